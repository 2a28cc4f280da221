/**
 * The one of `known` that `word` was probably meant to be, for "did you mean": it differs by at most one letter in three, and by no more than two. A letter
 * too many, missing, or exchanged for another counts once, and so do two neighbours that changed places. Short words differ little by chance alone: with two
 * letters allowed, `foo` would be meant to be `from`.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const differencesMax = Math.min(2, Math.max(1, Math.floor(lower.length / 3)));
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    // Every letter more or less is a difference of its own: most candidates need not be compared.
    if (Math.abs(candidate.length - lower.length) > differencesMax) continue;
    const distance = editDistance(lower, candidate);
    if (distance <= differencesMax && distance < candidate.length && distance < (best?.distance ?? Infinity)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Optimal string alignment distance: Levenshtein's, with exchanged neighbours as one difference. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
