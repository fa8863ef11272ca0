package toon

import (
	"strings"

	"pgregory.net/rapid"
)

// genText draws strings with everything that makes quoting interesting.
func genText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z]{1,6}`),
		rapid.SampledFrom([]string{
			"", " ", "-", "- x", "#", "#x", "true", "null", "05", "+1", "1e9", "-0", ".5", "a:b", "a,b", "a|b", "a\tb",
			"[]", "[2]: x", "{a}", `\`, `"`, "a\nb", "a\r", "\x00", "\x1f", "\x7f", "\ufeffx", "\u00a0x", "\u2028", "🚀", "é", "__proto__", "a.b", "_",
		}),
		rapid.String(),
	)
}

// genNumber draws numbers as JSON spells them.
func genNumber() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?`),
		rapid.SampledFrom([]string{"0", "-0", "1.0", "1e6", "1e-7", "1e21", "9007199254740993", "1E400", "0e99", "123456789012345678901234567890"}),
	)
}

// genValue draws any value, in which uniform objects, and so tables, are common.
func genValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		top := 4
		if depth > 0 {
			top = 8
		}
		switch rapid.IntRange(0, top).Draw(t, "kind") {
		case 0:
			return Value{}
		case 1:
			return BoolValue(rapid.Bool().Draw(t, "bool"))
		case 2:
			v, err := NumberValue(genNumber().Draw(t, "number"))
			if err != nil {
				t.Fatal(err)
			}
			return v
		case 3, 4:
			return StringValue(strings.ToValidUTF8(genText().Draw(t, "text"), "?"))
		case 5:
			return ArrayValue(rapid.SliceOfN(genValue(depth-1), 0, 4).Draw(t, "elems")...)
		case 6:
			return genObject(depth).Draw(t, "object")
		case 7:
			return ArrayValue(genRows(depth).Draw(t, "rows")...)
		default:
			return genKeyed(depth).Draw(t, "keyed")
		}
	})
}

// genDocument draws a value that is seldom a mere primitive.
func genDocument() *rapid.Generator[Value] {
	return rapid.OneOf(genObject(4), genObject(4), genKeyed(3), genValue(4))
}

func genKeys(least, most int) *rapid.Generator[[]string] {
	return rapid.SliceOfNDistinct(genText(), least, most, rapid.ID[string])
}

func genObject(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		var fields []Field
		for _, key := range genKeys(0, 4).Draw(t, "keys") {
			fields = append(fields, Field{key, genValue(depth-1).Draw(t, "value")})
		}
		return ObjectValue(fields...)
	})
}

// genRows draws objects of one shape, with the keys of some shuffled.
func genRows(depth int) *rapid.Generator[[]Value] {
	return rapid.Custom(func(t *rapid.T) []Value {
		keys := genKeys(1, 4).Draw(t, "fields")
		nested := rapid.SliceOfN(rapid.IntRange(0, 5), len(keys), len(keys)).Draw(t, "nested")
		var rows []Value
		for range rapid.IntRange(1, 4).Draw(t, "count") {
			var fields []Field
			for i, key := range keys {
				cell := genValue(0).Draw(t, "cell")
				if nested[i] == 0 && depth > 0 {
					cell = ObjectValue(Field{"x", cell}, Field{"y", genValue(0).Draw(t, "sub")})
				}
				fields = append(fields, Field{key, cell})
			}
			if rapid.IntRange(0, 3).Draw(t, "order") == 0 {
				fields = rapid.Permutation(fields).Draw(t, "shuffled")
			}
			rows = append(rows, ObjectValue(fields...))
		}
		return rows
	})
}

func genKeyed(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		rows := genRows(depth).Draw(t, "entries")
		var fields []Field
		for i, key := range genKeys(len(rows), len(rows)).Draw(t, "keys") {
			fields = append(fields, Field{key, rows[i]})
		}
		return ObjectValue(fields...)
	})
}
