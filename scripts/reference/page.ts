/** A reference page: a title, what it is, and one table. */
export function page(title: string, intro: string, head: string, rows: readonly string[]): string {
  return `# ${title}\n\n${intro}\n\n${head}\n${rows.join("\n")}\n`;
}

/** Words for a cell of a table: neither a divider nor a tag. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
