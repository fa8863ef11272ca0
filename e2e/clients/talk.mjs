// Drives the official JavaScript clients through the gateway whose address is
// the first argument, and prints what they saw as one JSON object. A check that
// throws is reported by its name; the specs judge the rest.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [gateway, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(modules, "package.json")));
const load = async (name) => (await import(pathToFileURL(require.resolve(name)))).default;
const OpenAI = await load("openai");
const Anthropic = await load("@anthropic-ai/sdk");

const key = "client-key-never-to-leave";
const openai = new OpenAI({ baseURL: gateway + "/v1", apiKey: key, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: gateway, apiKey: key, maxRetries: 0 });

const path = { type: "object", properties: { path: { type: "string" } } };
const person = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
const text = (message) => message.content.map((block) => block.text ?? "").join("");
const call = 'say:Looking. call:ls {"path":"/tmp"}';

const checks = {
  async chat() {
    const r = await openai.chat.completions.create({ model: "m", messages: [{ role: "user", content: "hello" }] });
    return { text: r.choices[0].message.content, stop: r.choices[0].finish_reason, tokens: r.usage.total_tokens };
  },
  async chatStream() {
    const stream = openai.chat.completions.stream({
      model: "m",
      messages: [{ role: "user", content: "hello" }],
      stream_options: { include_usage: true },
    });
    const r = await stream.finalChatCompletion();
    return { text: r.choices[0].message.content, stop: r.choices[0].finish_reason, tokens: r.usage.total_tokens };
  },
  async chatTools() {
    const calls = [];
    const runner = openai.chat.completions.runTools({
      model: "m",
      stream: true,
      messages: [{ role: "user", content: call }],
      tools: [{ type: "function", function: { name: "ls", parameters: path, parse: JSON.parse, function: (args) => (calls.push(args.path), "a.txt") } }],
    });
    return { text: await runner.finalContent(), calls };
  },
  async chatSchema() {
    const r = await openai.chat.completions.parse({
      model: "m",
      messages: [{ role: "user", content: "who?" }],
      response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema: person } },
    });
    return { text: r.choices[0].message.content };
  },
  async responses() {
    const r = await openai.responses.create({ model: "m", input: "hello" });
    return { text: r.output_text, stop: r.status, tokens: r.usage.total_tokens };
  },
  async responsesStream() {
    const stream = openai.responses.stream({ model: "m", input: "hello" });
    const r = await stream.finalResponse();
    return { text: r.output_text, stop: r.status, tokens: r.usage.total_tokens };
  },
  async responsesTools() {
    const tools = [{ type: "function", name: "ls", parameters: path, strict: false }];
    const input = [{ role: "user", content: call }];
    const first = await openai.responses.create({ model: "m", input, tools });
    const asked = first.output.find((item) => item.type === "function_call");
    input.push(...first.output, { type: "function_call_output", call_id: asked.call_id, output: "a.txt" });
    const r = await openai.responses.create({ model: "m", input, tools });
    return { text: r.output_text, calls: [JSON.parse(asked.arguments).path] };
  },
  async responsesSchema() {
    const r = await openai.responses.create({
      model: "m",
      input: "who?",
      text: { format: { type: "json_schema", name: "person", strict: true, schema: person } },
    });
    return { text: r.output_text };
  },
  async messages() {
    const r = await anthropic.messages.create({ model: "m", max_tokens: 2000, messages: [{ role: "user", content: "hello" }] });
    return { text: text(r), stop: r.stop_reason, tokens: r.usage.output_tokens };
  },
  async messagesStream() {
    const stream = anthropic.messages.stream({ model: "m", max_tokens: 2000, messages: [{ role: "user", content: "hello" }] });
    const r = await stream.finalMessage();
    return { text: text(r), stop: r.stop_reason, tokens: r.usage.output_tokens };
  },
  async messagesTools() {
    const calls = [];
    const runner = anthropic.beta.messages.toolRunner({
      model: "m",
      max_tokens: 2000,
      messages: [{ role: "user", content: call }],
      tools: [{ name: "ls", input_schema: path, run: (args) => (calls.push(args.path), "a.txt"), parse: (args) => args }],
    });
    return { text: text(await runner.runUntilDone()), calls };
  },
  async messagesSchema() {
    const r = await anthropic.messages.create({
      model: "m",
      max_tokens: 2000,
      messages: [{ role: "user", content: "who?" }],
      output_config: { format: { type: "json_schema", schema: person } },
    });
    return { text: text(r) };
  },
  async messagesCount() {
    const r = await anthropic.messages.countTokens({ model: "m", messages: [{ role: "user", content: "words ".repeat(400) }] });
    return { tokens: r.input_tokens };
  },
  async models() {
    const ids = [];
    for await (const m of openai.models.list()) ids.push(m.id);
    for await (const m of anthropic.models.list()) ids.push(m.id);
    return { calls: ids };
  },
  async embeddings() {
    const r = await openai.embeddings.create({ model: "m", input: "hello" });
    return { tokens: r.data[0].embedding.length };
  },
  async refusal() {
    const seen = [];
    for (const ask of [
      () => openai.chat.completions.create({ model: "", messages: [] }),
      () => anthropic.messages.create({ model: "", max_tokens: 1, messages: [] }),
    ]) {
      try {
        await ask();
        seen.push("no error");
      } catch (e) {
        seen.push(`${e.constructor.name} ${e.status}`);
      }
    }
    return { calls: seen };
  },
};

const seen = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    seen[name] = await check();
  } catch (e) {
    seen[name] = { error: String(e?.stack ?? e) };
  }
}
console.log(JSON.stringify(seen));
