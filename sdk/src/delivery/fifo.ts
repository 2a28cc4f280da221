/** A first-in-first-out list whose shift is O(1) on average: an array's own shift moves every element. */
export type Fifo<T> = { items: (T | undefined)[]; head: number };

export function fifo<T>(): Fifo<T> {
  return { items: [], head: 0 };
}

export function fifoLength<T>(list: Fifo<T>): number {
  return list.items.length - list.head;
}

export function fifoPush<T>(list: Fifo<T>, item: T): void {
  list.items.push(item);
}

export function fifoPeek<T>(list: Fifo<T>): T | undefined {
  return list.items[list.head];
}

export function fifoShift<T>(list: Fifo<T>): T | undefined {
  const item = list.items[list.head];
  if (list.head === list.items.length) return undefined;
  list.items[list.head++] = undefined;
  if (list.head > 1024 && list.head * 2 > list.items.length) {
    list.items = list.items.slice(list.head);
    list.head = 0;
  }
  return item;
}
