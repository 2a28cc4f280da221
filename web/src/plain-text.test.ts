import { describe, expect, it } from "vitest";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { escapeUnseen, OneLine, PlainText } from "./plain-text.tsx";

const textOf = (component: typeof PlainText, text: string) => renderToStaticMarkup(createElement(component, null, text)).replace(/<[^>]*>/g, "");

describe("PlainText", () => {
  it.each([
    ["a zero-width space", "ali\u200bce", "aliU+200Bce"],
    ["a filler of Hangul", "alice\u3164", "aliceU+3164"],
    ["a joiner of graphemes", "a\u034fb", "aU+034Fb"],
    ["a tag character", "x\u{e0041}", "xU+E0041"],
    ["a selector behind a letter", "a\ufe0f", "aU+FE0F"],
  ])("names %s", (_name, text, shown) => {
    expect(textOf(PlainText, text)).toBe(shown);
  });

  it("leaves what can be seen alone: line ends, emoji, text of any script", () => {
    for (const text of ["one\r\ntwo", "⚠️ sent", "رفض المصدر", "Ünï – 日本"]) expect(textOf(PlainText, text)).toBe(text);
  });
});

describe("OneLine", () => {
  it("has no more elements than a line has room for, however much of the text shows nothing", () => {
    expect(renderToStaticMarkup(createElement(OneLine, null, "\u200b".repeat(2600))).match(/<span/g)?.length).toBeLessThan(500);
    expect(textOf(OneLine, "short")).toBe("short");
  });
});

describe("escapeUnseen()", () => {
  it("keeps the meaning of the JSON, and leaves nothing in it that cannot be seen", () => {
    const value = { name: "alice\u3164\u{e0041}\u202e", plain: "⚠️ ok" };
    const json = escapeUnseen(JSON.stringify(value));
    expect(json).toBe('{"name":"alice\\u3164\\udb40\\udc41\\u202e","plain":"⚠️ ok"}');
    expect(JSON.parse(json)).toEqual(value);
  });
});
