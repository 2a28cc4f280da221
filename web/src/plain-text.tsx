import { Fragment, type ReactNode } from "react";

/**
 * Characters that show nothing or turn the direction of what follows: controls, and all that Unicode lets a font ignore. Whoever writes an event may use
 * them to make `exe.gnp` read `png.exe`, or a second `alice`, so an auditor sees them named instead. The end of a line, as Windows writes it too, is none
 * of them, nor is the selector that only makes a sign an emoji.
 */
const unseen =
  // deno-lint-ignore no-control-regex
  /\r(?!\n)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb]|\ufe0f(?<!\p{Extended_Pictographic}\ufe0f)|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/gu;

/** JSON that means the same as `json`, with unseen characters as escapes. */
export function escapeUnseen(json: string): string {
  return json.replace(unseen, (character) => Array.from({ length: character.length }, (_, at) => escapeOf(character.charCodeAt(at))).join(""));
}

function escapeOf(codeUnit: number): string {
  return `\\u${codeUnit.toString(16).padStart(4, "0")}`;
}

/** Text from an event, set apart from the page's own direction, with unseen characters named. */
export function PlainText({ children }: { readonly children: string | undefined }) {
  if (children === undefined || children === "") return null;
  return <bdi>{named(children)}</bdi>;
}

/** `children` on one line. The middle of a long path or ARN gives way: its end tells more than its beginning. */
export function OneLine({ children: text }: { readonly children: string | undefined }) {
  if (text === undefined || text === "") return null;
  if (text.length <= endLength * 2 || !isPath.test(text)) {
    return <bdi className="one-line" title={titleOf(text)}>{named(text.slice(0, lineLength))}</bdi>;
  }
  return (
    <span className="one-line in-two" title={titleOf(text)}>
      <bdi className="head">{text.slice(0, -endLength).slice(0, lineLength)}</bdi>
      <bdi>{text.slice(-endLength)}</bdi>
    </span>
  );
}

/** More characters than one line has room for: of thousands that show nothing, each would be an element of every row. */
const lineLength = 400;

/** Characters of a long path that stay in sight at its end. */
const endLength = 14;
const isPath = /^[!-~]*[/:][!-~]*$/;

/** A tooltip cannot be set apart: what it may not show is named there too. */
function titleOf(text: string): string {
  return plain.test(text) ? text.slice(0, 1000) : text.slice(0, 1000).replace(unseen, nameOf);
}

/** What nearly all text is: seen at once, for hundreds of cells a frame. */
const plain = /^[ -~]*$/;

function named(text: string): ReactNode {
  if (plain.test(text) || text.search(unseen) < 0) return text;
  const marks = text.match(unseen) ?? [];
  return text.split(unseen).map((part, index) => (
    <Fragment key={index}>
      {part}
      {marks[index] !== undefined && (
        <span className="unseen" title="A character that shows nothing, or turns the direction of the text">{nameOf(marks[index])}</span>
      )}
    </Fragment>
  ));
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}`;
}
