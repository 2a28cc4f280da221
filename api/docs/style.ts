/** The reference's only stylesheet; text, because an Edge Function carries no files. */
export const docsStyle = `
:root { color-scheme: light dark; --text: light-dark(#18222a, #e4e9eb); --muted: light-dark(#55626c, #9aa9b3); --line: light-dark(#e1e5e7, #2b3338);
  --ground: light-dark(#ffffff, #111517); --raised: light-dark(#f6f7f7, #181d20); --accent: light-dark(#17594a, #7fd1b4); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font: 0.875em/1.4 ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
.skip { position: absolute; left: -999px; } .skip:focus { left: 8px; top: 8px; background: var(--ground); padding: 8px; }
header { padding: 32px 24px 16px; max-width: 1240px; margin: auto; } header p { max-width: 75ch; margin: 8px 0; color: var(--muted); }
h1 { font-size: 28px; line-height: 1.2; margin: 0; } h1 span { color: var(--muted); font-weight: 400; }
h2 { font-size: 20px; margin: 0 0 8px; } h2 a { color: inherit; text-decoration: none; } h2 a:hover { text-decoration: underline; }
h3 { font-size: 14px; margin: 24px 0 8px; color: var(--muted); }
.columns { display: grid; grid-template-columns: 300px minmax(0, 1fr); gap: 32px; max-width: 1240px; margin: auto; padding: 0 24px 64px; align-items: start; }
nav { position: sticky; top: 0; max-height: 100vh; overflow: auto; padding: 16px 0; }
nav summary { font-weight: 600; font-size: 14px; color: var(--muted); padding: 4px 0; }
nav ul { list-style: none; margin: 0; padding: 0; } nav a { display: grid; grid-template-columns: 60px 1fr; gap: 4px; padding: 4px 0; font-size: 14px; line-height: 1.35;
  color: inherit; text-decoration: none; } nav a:hover span + span { text-decoration: underline; }
main { min-width: 0; } main section { padding: 32px 0; border-top: 1px solid var(--line); scroll-margin-top: 8px; } main section:first-child { border-top: 0; padding-top: 16px; }
main section > p { max-width: 80ch; }
.path { margin: 0 0 12px; padding: 8px 12px; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
.method { font: 600 12px/1.6 ui-monospace, SFMono-Regular, Menlo, monospace; color: var(--accent); }
.path .method { margin-right: 8px; }
.method.delete { color: light-dark(#b3261e, #ff8f86); } .method.post, .method.put { color: light-dark(#855500, #eeb95e); }
.type { color: var(--muted); font-size: 14px; } .required { font-size: 12px; font-weight: 600; color: light-dark(#b3261e, #ff8f86); }
table { width: 100%; border-collapse: collapse; font-size: 15px; } th, td { text-align: left; vertical-align: top; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); }
thead th { font-size: 13px; color: var(--muted); font-weight: 600; } tbody th { font-weight: 400; width: 32%; } td { overflow-wrap: anywhere; } td:not(:last-child) { white-space: nowrap; }
details { margin: 4px 0; } details details { margin-top: 8px; } details > table { margin: 8px 0 8px 12px; width: calc(100% - 12px); border-left: 2px solid var(--line); }
details > table th:first-child, details > table td:first-child { padding-left: 12px; }
summary { cursor: pointer; } .answer { margin: 8px 0; } dl { margin: 0; } dt { margin-top: 8px; } dd { margin: 0 0 0 16px; color: var(--muted); }
.scroll { overflow-x: auto; }
@media (max-width: 800px) {
  .columns { grid-template-columns: minmax(0, 1fr); gap: 0; padding: 0 16px 48px; } header { padding: 24px 16px 8px; } nav { position: static; max-height: none; }
  nav a { padding: 8px 0; } .operation table, .operation tbody, .operation tr, .operation th, .operation td { display: block; width: auto; } .operation thead { display: none; }
  .operation tr { padding: 8px 0; border-bottom: 1px solid var(--line); } .operation th, .operation td { border: 0; padding: 0 0 2px; } .operation details > table { width: auto; margin-left: 0; padding-left: 12px; }
}
@media print { nav { display: none; } .columns { display: block; } }
`;
