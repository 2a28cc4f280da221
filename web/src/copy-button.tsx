import { useState } from "react";
import { Button } from "react-aria-components";

/** Copies `text`, and says whether it did: browsers allow it neither everywhere nor to everybody, and over plain HTTP not at all. */
export function CopyButton({ text }: { readonly text: string }) {
  const [outcome, setOutcome] = useState("");
  const copy = async () => {
    const isCopied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    setOutcome(isCopied ? "Copied" : "The browser does not allow copying: mark the text and copy it yourself");
  };
  return (
    <>
      <span role="status" className="small">{outcome}</span>
      <Button onPress={() => void copy()}>Copy</Button>
    </>
  );
}
