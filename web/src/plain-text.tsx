import { Fragment, type ReactNode } from "react";

/**
 * Characters that show nothing or turn the direction of what follows: controls, zero-width and bidirectional ones. Whoever writes an event may use
 * them to make `exe.gnp` read `png.exe`, so an auditor sees them named instead; the end of a line, as Windows writes it too, is none of them.
 */
const unseen =
  // deno-lint-ignore no-control-regex
  /\r(?!\n)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** Text from an event, set apart from the page's own direction, with unseen characters named. */
export function PlainText({ children }: { readonly children: string | undefined }) {
  if (children === undefined || children === "") return null;
  return <bdi>{named(children)}</bdi>;
}

/** `children` on one line. The middle of a long path or ARN gives way: its end tells more than its beginning. */
export function OneLine({ children }: { readonly children: string | undefined }) {
  if (children === undefined || children === "") return null;
  if (children.length <= endLength * 2 || !isPath.test(children)) {
    return (
      <span className="one-line" title={titleOf(children)}>
        <PlainText>{children}</PlainText>
      </span>
    );
  }
  return (
    <span className="one-line in-two" title={titleOf(children)}>
      <bdi className="head">{children.slice(0, -endLength)}</bdi>
      <bdi>{children.slice(-endLength)}</bdi>
    </span>
  );
}

/** Characters of a long path that stay in sight at its end. */
const endLength = 14;
const isPath = /^[!-~]*[/:][!-~]*$/;

/** A tooltip cannot be set apart: what it may not show is named there too. */
function titleOf(text: string): string {
  return text.slice(0, 1000).replace(unseen, nameOf);
}

function named(text: string): ReactNode {
  if (text.search(unseen) < 0) return text;
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
