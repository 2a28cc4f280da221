import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createHash } from "node:crypto";
import { consistencyProof, inclusionProof } from "../core/format/merkle-proof.ts";
import { treeRoot } from "../core/format/merkle.ts";
import { canonicalJson } from "../core/format/canonical-json.ts";
import { randomEvents, randomFrom } from "../test/support/random-events.ts";
import { leafOf as coreLeafOf } from "../core/leaf.ts";
import { equalBytes, fromBase64, fromHex, toBase64, toHex } from "./bytes.ts";
import { parseJson } from "./json.ts";
import { canonical, leafHash, leafOf } from "./leaf.ts";
import { growingTree, isConsistent, rootOfPath } from "./merkle.ts";
import { isSignedBy, readNote, readPublicKey } from "./note.ts";
import { sha256 } from "./sha256.ts";

const vectors = (name: string) => JSON.parse(readFileSync(new URL(`../test/vectors/${name}.json`, import.meta.url), "utf8"));
const bytes = (base64: string | null) => new Uint8Array(Buffer.from(base64 ?? "", "base64"));

describe("sha256()", () => {
  it("is that of the platform, for every length around one, two and three blocks", () => {
    const random = randomFrom(1);
    for (let length = 0; length <= 300; length++) {
      const input = Uint8Array.from({ length }, () => Math.floor(random() * 256));
      expect(toHex(sha256(input))).toBe(createHash("sha256").update(input).digest("hex"));
    }
    const large = new Uint8Array(1_000_003).fill(97);
    expect(toHex(sha256(large))).toBe(createHash("sha256").update(large).digest("hex"));
  });
});

describe("canonical()", () => {
  it.each(Object.entries(vectors("rfc8785-jcs")) as [string, { input: string; output: string }][])("writes the published %s", (_, { input, output }) => {
    expect(canonical(JSON.parse(input))).toBe(output);
  });

  it("agrees with the writer's canonical JSON, which shares no code with it, on 20,000 events", () => {
    for (const event of randomEvents(randomFrom(2), 20_000, { tenantIds: ["123e4567-e89b-12d3-a456-426614174000"] })) {
      if (leafOf(event) !== coreLeafOf(event)) expect(leafOf(event)).toBe(coreLeafOf(event));
      if (event.context !== undefined && canonical(event.context) !== canonicalJson(event.context)) expect.fail(canonical(event.context));
    }
  });

  it("refuses what JSON cannot say", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "\ud800", { "\udc00": 1 }, undefined, () => 1, 1n]) {
      expect(() => canonical(value)).toThrow(TypeError);
    }
  });
});

describe("parseJson()", () => {
  it("reads keys that V8 takes for others", () => {
    parseJson('{"a":1,"\\\\":1}');
    expect(Object.keys(parseJson('{"a":1,"\\"":1}') as object)).toEqual(["a", '"']);
    expect(parseJson('{"x\\n": [1, {"\\u0041": "b:\\\\"}, [], {}], "__proto__x\\t": null}')).toEqual({
      "x\n": [1, { A: "b:\\" }, [], {}],
      "__proto__x\t": null,
    });
  });

  it("reads back what JSON.stringify writes, whatever the keys", () => {
    for (const event of randomEvents(randomFrom(5), 5000, { tenantIds: ["123e4567-e89b-12d3-a456-426614174000"] })) {
      expect(canonical(parseJson(JSON.stringify({ 'ke"y': event })))).toBe(canonical({ 'ke"y': event }));
    }
  });

  it.each(['{"\\"":1', '{"\\"":1}}', '{"\\"":1,}', '{"\\"" 1}', '{"\\"":01}', '{"\\"":tru}', '{1:2,"\\"":1}', '["\\"":1]', '{"\\"":"'])(
    "refuses %s",
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );
});

describe("leafHash()", () => {
  it("hashes leaves longer than its room, in any script", () => {
    const leaf = "東".repeat(100_000);
    expect(toHex(leafHash(sha256, leaf))).toBe(createHash("sha256").update("\0").update(leaf, "utf8").digest("hex"));
  });
});

describe("growingTree()", () => {
  it("has the published roots", () => {
    const { leaf_inputs_hex: inputs, roots_hex_by_size: roots } = vectors("rfc6962-tree");
    const tree = growingTree(sha256);
    expect(toHex(tree.root())).toBe(roots[0]);
    for (const [i, input] of inputs.entries()) {
      tree.add(sha256(Buffer.concat([Buffer.from([0]), Buffer.from(input, "hex")])));
      expect(toHex(tree.root())).toBe(roots[i + 1]);
      expect(toHex(tree.copy().root())).toBe(roots[i + 1]);
    }
  });
});

const leaves = Array.from({ length: 70 }, (_, i) => leafHash(sha256, `leaf ${i}`));
const native = (input: Uint8Array) => createHash("sha256").update(input).digest();

describe("rootOfPath()", () => {
  for (const vector of vectors("rfc6962-proofs").inclusion) {
    it(`${vector.wantErr ? "refuses" : "accepts"} the published ${vector.case}`, () => {
      const root = rootOfPath(sha256, bytes(vector.leafHash), vector.leafIdx, vector.treeSize, (vector.proof ?? []).map(bytes));
      expect(root !== undefined && equalBytes(root, bytes(vector.root))).toBe(!vector.wantErr);
    });
  }

  it("leads every leaf's path to the root, by the writer's proofs", () => {
    for (let size = 1; size <= leaves.length; size++) {
      const root = treeRoot(native, leaves.slice(0, size));
      for (let index = 0; index < size; index++) {
        const path = inclusionProof(native, leaves.slice(0, size), index);
        const led = rootOfPath(sha256, leaves[index] as Uint8Array, index, size, path);
        if (led === undefined || !equalBytes(led, root)) expect.fail(`leaf ${index} of ${size}`);
      }
    }
  });
});

describe("isConsistent()", () => {
  for (const vector of vectors("rfc6962-proofs").consistency) {
    it(`${vector.wantErr ? "refuses" : "accepts"} the published ${vector.case}`, () => {
      const older = { size: vector.size1, root: bytes(vector.root1) };
      const newer = { size: vector.size2, root: bytes(vector.root2) };
      expect(isConsistent(sha256, older, newer, (vector.proof ?? []).map(bytes))).toBe(!vector.wantErr);
    });
  }

  it("accepts the writer's proofs between all sizes, and none with a bit changed", () => {
    for (let to = 0; to <= leaves.length; to++) {
      for (let from = 0; from <= to; from++) {
        const [older, newer] = [from, to].map((size) => ({ size, root: treeRoot(native, leaves.slice(0, size)) })) as [never, never];
        const proof = consistencyProof(native, leaves.slice(0, to), from);
        if (!isConsistent(native, older, newer, proof)) expect.fail(`${from} → ${to}`);
        for (let i = 0; i < proof.length; i++) {
          const node = proof[i] as Uint8Array;
          if (isConsistent(native, older, newer, proof.with(i, Uint8Array.from(node).with(5, (node[5] as number) ^ 1)))) expect.fail(`spoiled ${from} → ${to}`);
        }
      }
    }
  });
});

describe("isSignedBy()", () => {
  const vector = vectors("signed-note");
  const note = `${vector.text}\n${vector.signature_line}\n`;

  it("accepts the published note, and not with a letter changed", async () => {
    const key = await readPublicKey(vector.vkey);
    expect(await isSignedBy(readNote(note), key)).toBe(true);
    expect(await isSignedBy(readNote(note.replace("answer", "Answer")), key)).toBe(false);
  });

  it.each(["text\n", note.slice(0, -1), note.replace("\u2014", "-"), note.replace("\n", "\r\n"), note.replace("wJnAM=", "wJnAN=")])(
    "refuses what is no note: %j",
    (spoiled) => {
      expect(() => readNote(spoiled)).toThrow("read note");
    },
  );
});

describe("bytes", () => {
  it("have one text each", () => {
    expect(fromBase64("AAA=")).toEqual(new Uint8Array(2));
    for (const text of ["AAB=", "AA", "AAA", "A A=", "AA=A"]) expect(fromBase64(text)).toBeUndefined();
    expect(toBase64(new Uint8Array([255, 0]))).toBe("/wA=");
    expect(fromHex("0aff")).toEqual(new Uint8Array([10, 255]));
    for (const text of ["0", "0A", "zz"]) expect(fromHex(text)).toBeUndefined();
  });
});
