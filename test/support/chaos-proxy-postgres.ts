/** One message of PostgreSQL's wire protocol, from server to client: its type byte and all its bytes, header included. */
export type ServerMessage = { readonly type: string; readonly bytes: Uint8Array };

/**
 * Splits what a PostgreSQL server sends into whole messages; a rest waits for the next chunk. Plain connections only: neither TLS nor the one-byte
 * answer to an SSLRequest is understood, so clients must connect with `sslmode=disable`.
 */
export function createMessageSplitter(): (chunk: Uint8Array) => readonly ServerMessage[] {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const messages: ServerMessage[] = [];
    while (rest.length >= headerBytes) {
      const length = 1 + rest.readUInt32BE(1);
      if (rest.length < length) break;
      messages.push({ type: String.fromCharCode(rest[0] ?? 0), bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
    }
    return messages;
  };
}

/** True for the CommandComplete that tells a client that its transaction is durable. */
export function isCommitComplete(message: ServerMessage): boolean {
  return message.type === "C" && Buffer.from(message.bytes.subarray(headerBytes, -1)).toString("latin1") === "COMMIT";
}

/** Type byte and a length that counts itself: protocol 3.0, section "Message Formats". */
const headerBytes = 5;
