import type { Finding } from "./verify-log.ts";

const signs = { good: "✓", bad: "✕", unknown: "–" } as const;

/** What was checked, and how it came out. */
export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <ul className="checks">
      {findings.map(({ outcome, title, detail }) => (
        <li key={title} className={`outcome ${outcome}`}>
          <strong>{signs[outcome]} {title}</strong>
          <p className="small">{detail}</p>
        </li>
      ))}
      {findings.some(({ outcome }) => outcome === "bad") && (
        <li className="outcome bad">
          <strong>Keep this page and the checkpoints, and tell your security team.</strong>
        </li>
      )}
    </ul>
  );
}
