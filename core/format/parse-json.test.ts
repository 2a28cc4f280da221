import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonText } from "./parse-json.ts";

/** How to read `text` in a process where no object ever had another key: every key on a shape of its own. */
const fresh = (() => {
  let shape = 0;
  return (key: string, poison: string) => {
    const name = `shape${shape++}`;
    return { poison: `{"${name}": 1, ${JSON.stringify(poison)}: 1}`, text: `{"${name}": 1, ${key}: 1}`, name };
  };
})();

/** The keys that V8 mistakes for a backslash, as they are written and as they are. */
const mistaken: readonly (readonly [string, string])[] = [['"\\""', '"'], ['"\\n"', "\n"], ['"\\u0041"', "A"], ['"\\/"', "/"], ['"\\u00e9"', "é"]];

/** Any JSON value that is written as it is, with keys of `key`. */
function valueWith(key: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const scalar = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof({ depthSize: "small" }, scalar, fc.array(tie("value")), fc.dictionary(key, tie("value"), { noNullPrototype: true })),
  }));
  return value;
}

describe("parseJsonText()", () => {
  it.each(mistaken)("reads the key %s rightly after another object had a backslash there", (written, key) => {
    const { poison, text, name } = fresh(written, "\\");
    JSON.parse(poison);
    expect(parseJsonText(text)).toEqual({ [name]: 1, [key]: 1 });
    expect(parseJsonText(`[${poison}, ${text}]`)).toEqual([{ [name]: 1, "\\": 1 }, { [name]: 1, [key]: 1 }]);
  });

  it("stands against a JSON.parse that is wrong there still: when this fails, this file is not needed any more", () => {
    const { poison, text, name } = fresh('"\\""', "\\");
    JSON.parse(poison);
    expect(JSON.parse(text)).toEqual({ [name]: 1, "\\": 1 });
  });

  // Every text gets a key with an escape, so that it is read here and not by JSON.parse.
  const escaped = (text: string) => `{"\\u006b": ${text}}`;

  it("reads back every value that JSON.stringify writes, whatever its keys", () => {
    const indent = fc.nat(8);
    const blank = fc.stringMatching(/^[ \t\n\r]{0,3}$/);
    fc.assert(fc.property(valueWith(fc.string({ unit: "binary" })), blank, indent, (value, space, width) => {
      expect(parseJsonText(escaped(space + JSON.stringify(value, undefined, width) + space))).toEqual({ k: value });
    }));
  });

  it("takes the last of equal keys, and __proto__ for a key like others", () => {
    expect(parseJsonText('{"\\u0061": 1, "a": 2, "b": 3, "\\u0062": 4}')).toEqual({ a: 2, b: 4 });
    const proto = parseJsonText('{"\\u005f_proto__": {"isAdmin": true}}') as object;
    expect([Object.keys(proto), Object.getPrototypeOf(proto) === Object.prototype, "isAdmin" in proto]).toEqual([["__proto__"], true, false]);
  });

  it.each(["1", "-0", "1.5e-7", "1e400", "0", "-1E+2", '"\\ud83d\\ude00"', '"\\ud800"', "[]", "{ }", "[[], {}]", "true", "null"])(
    "reads %s as JSON.parse does",
    (text) => {
      expect(parseJsonText(escaped(text))).toEqual({ k: JSON.parse(text) });
    },
  );

  it.each([
    "",
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "NaN",
    "tru",
    "nulll",
    "'a'",
    '"\n"',
    '"\u0000"',
    '"\\x41"',
    '"\\u00g0"',
    '"a',
    "[1,]",
    "[,1]",
    "[1 2]",
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a": 1,}',
    "{a: 1}",
    "[",
    "]",
    "1 2",
    "\u00a01",
    "\ufeff1",
    "/**/1",
  ])(
    "refuses %j as JSON.parse does",
    (text) => {
      expect(() => JSON.parse(escaped(text))).toThrow(SyntaxError);
      expect(() => parseJsonText(escaped(text))).toThrow(SyntaxError);
    },
  );

  it("refuses what JSON.parse refuses, however a text was damaged", () => {
    // Keys without escapes: of others, JSON.parse is no judge.
    const value = valueWith(fc.stringMatching(/^[a-z0-9 é]{0,3}$/));
    const damage = fc.tuple(value, fc.nat(), fc.constantFrom("", '"', "\\", ",", ":", "{", "]", "0", "-", " ", "\n", "u"));
    fc.assert(
      fc.property(damage, ([value, at, character]) => {
        const whole = escaped(JSON.stringify(value));
        const place = 10 + at % whole.length;
        const text = whole.slice(0, place) + character + whole.slice(place + 1);
        const outcome = (parse: (text: string) => unknown) => {
          try {
            return { value: parse(text) };
          } catch (error) {
            return error instanceof SyntaxError;
          }
        };
        expect(outcome(parseJsonText)).toEqual(outcome(JSON.parse));
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves texts without such keys to JSON.parse, backslashes in values or not", () => {
    const text = '{"a": "C:\\\\dir \\"x\\"", "b": ["\\u0041", {"c": "\\n"}]}';
    expect(parseJsonText(text)).toEqual({ a: 'C:\\dir "x"', b: ["A", { c: "\n" }] });
  });
});
