/** Does `work` for every item, at most `width` at a time; throws what the first failing one throws. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(Array.from({ length: width }, async () => {
    for (const item of queue) await work(item);
  }));
}
