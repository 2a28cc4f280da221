import type { SpooledEvent } from "../spool-session.ts";
import { isMissing } from "./files.ts";
import { diskFailed, type Folder, pathOf } from "./folder.ts";
import { parseSegment } from "./line.ts";
import { handOver } from "./owner.ts";
import { isUnread, type Segment } from "./segment.ts";
import { retireIfSpent, rotate } from "./write.ts";

/** The oldest events that only the disk holds: at least one when there is any, at most `eventsMax`, about `bytesMax`. */
export function readBack(folder: Folder, eventsMax: number, bytesMax: number): SpooledEvent[] {
  const events: SpooledEvent[] = [];
  let bytes = 0;
  while (events.length < eventsMax) {
    if (folder.loaded.length === 0 && !loadNext(folder)) break;
    const room = folder.loaded.findIndex((event, index) => index + events.length >= eventsMax || (bytes += event.json.length) > bytesMax);
    const taken = folder.loaded.splice(0, room < 0 ? folder.loaded.length : Math.max(room, events.length === 0 ? 1 : 0));
    events.push(...taken);
    if (room >= 0) break;
  }
  folder.unread -= events.length;
  return events;
}

/** Loads the events of the oldest segment that can be read; false when there is none. */
function loadNext(folder: Folder): boolean {
  if (folder.host.runtime.monotonic() < folder.readAgainAt) return false;
  for (const one of [...folder.segments]) {
    if (one.unreadCount > 0 && load(folder, one)) return true;
  }
  return false;
}

function load(folder: Folder, one: Segment): boolean {
  // Events are read a segment at a time, so it must be one that grows no more: else it would be read again for each of them.
  if (one === folder.current) rotate(folder);
  let content: ReturnType<typeof parseSegment>;
  try {
    content = parseSegment(folder.files.read(pathOf(folder, one.name)));
  } catch (error) {
    if (isMissing(error)) {
      handOver(folder, one);
      folder.segments = folder.segments.filter((other) => other !== one);
    } else {
      folder.readAgainAt = folder.host.runtime.monotonic() +
        folder.options.scanMs;
      diskFailed(folder, "read segment", error);
    }
    return false;
  }
  const found = [...content.events].filter(([number]) => isUnread(one, number));
  folder.loaded.push(...found.map(([number, json]) => ({
    record: { segment: one, number },
    json,
  })));
  const lost = one.unreadCount - found.length;
  one.unread = [];
  one.unreadCount = 0;
  if (lost > 0) {
    folder.corrupt += lost;
    folder.unread -= lost;
    one.acknowledged += lost;
    folder.host.onLost(lost);
    retireIfSpent(folder, one);
  }
  return found.length > 0;
}
