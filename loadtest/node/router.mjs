// A stand-in for the router in TypeScript that aimux replaces, to compare with: Node's own HTTP server and fetch and
// nothing else. It does what that router did with a request: read the body, parse it, choose a provider by the model,
// set that provider's model and key, send it, and add to the answer who gave it and how long that took. Streams are
// passed on as they come. Usage: node router.mjs http://127.0.0.1:PORT
// It says its address in a line and ends when its input does.
import http from "node:http";

const [origin] = process.argv.slice(2);
const LARGEST = 64 * 1024 * 1024;
const providers = [
  { name: "one", keys: ["one-a", "one-b", "one-c"], models: [/^sim-/, /^load-/] },
  { name: "two", keys: ["two-a", "two-b", "two-c"], models: [/./] },
];
let turn = 0;

async function readBody(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST) throw new Error("the request is too large");
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

function choose(model) {
  const provider = providers.find((p) => p.models.some((m) => m.test(model)));
  return { provider, key: provider.keys[turn++ % provider.keys.length] };
}

function headersFor(request, key) {
  const headers = { "content-type": "application/json" };
  if (request.headers["anthropic-version"]) {
    headers["anthropic-version"] = request.headers["anthropic-version"];
    headers["x-api-key"] = key;
  } else {
    headers.authorization = `Bearer ${key}`;
  }
  return headers;
}

async function handle(request, response) {
  const began = performance.now();
  const body = await readBody(request);
  const { provider, key } = choose(body.model);
  const answer = await fetch(origin + request.url, {
    method: "POST",
    headers: headersFor(request, key),
    body: JSON.stringify({ ...body, model: body.model }),
  });
  if (body.stream && answer.ok) {
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type"), "cache-control": "no-cache" });
    for await (const part of answer.body) response.write(part);
    response.end();
    return;
  }
  const result = await answer.json();
  result.provider = provider.name;
  result.response_time = performance.now() - began;
  result.metadata = { routing_decision: "model", fallback_used: false, failover_attempts: 0 };
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(JSON.stringify(result));
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    if (!response.headersSent) response.writeHead(502, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: String(error), type: "api_error" } }));
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
