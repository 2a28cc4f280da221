import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { BasicType, ColumnSource, SchemaElement } from "hyparquet-writer";
import { schemaFromColumnData } from "hyparquet-writer";
import { createParquetFooter } from "./parquet-footer.ts";
import { snappyCompress } from "./snappy.ts";

/** A column of a Parquet file: its type, and how it is read off a row. Absent values are null. Of an `isUnique` one no value comes twice. */
export type ParquetColumn<Row> = {
  readonly name: string;
  readonly element: SchemaElement;
  readonly valueOf: (row: Row) => unknown;
  readonly isUnique?: boolean;
};

/** Where the bytes of a file go, in order. Waiting here is what keeps memory bounded. */
export type ByteSink = (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;

/** A Parquet file that is written group by group. Only the footer makes it one: a file that was cut cannot be read at all. */
export type ParquetFile<Row> = {
  /** Writes `rows` as one row group and passes its bytes on. At most `limits.archiveRowsMax` rows: a group is held in memory whole. */
  writeGroup(rows: readonly Row[]): Promise<void>;
  /** Writes indexes and footer, with `metadata` as the file's key-value metadata. */
  finish(metadata: Readonly<Record<string, string>>): Promise<void>;
};

/**
 * Begins a file of `columns` whose bytes go to `sink`. Snappy, and statistics on every column that has an order, so that readers can skip row groups by time. Without page
 * indexes: a group's column is one page, mostly, and each index stays in memory until the end. What does stay is some 3 kB a group, for the footer: every
 * group is made by a writer of its own, which is let go with all that it knows of the values.
 */
export function createParquetFile<Row>(columns: readonly ParquetColumn<Row>[], sink: ByteSink): ParquetFile<Row> {
  const writer = new ByteWriter();
  const schema: SchemaElement[] = [{ name: "event", num_children: columns.length }, ...columns.map(({ element }) => ({ ...element }))];
  const footer = createParquetFooter();
  let rowsWritten = 0;
  let bytesWritten = 0;
  /** Goes on where the file ends; only the first one's magic number belongs to it. */
  const nextWriter = () => {
    const next = new ParquetWriter({ writer, schema, compressors: { SNAPPY: snappyCompress }, createdBy: "audit-events" });
    if (bytesWritten > 0) rewind();
    return next;
  };
  const rewind = () => {
    writer.index = 0;
    writer.offset = bytesWritten;
  };
  const send = async (bytes: Uint8Array<ArrayBuffer>) => {
    bytesWritten += bytes.length;
    if (bytes.length > 0) await sink(bytes);
  };
  const drain = async () => {
    // A copy: the writer goes on in the same room.
    const bytes = new Uint8Array(writer.buffer, 0, writer.index).slice();
    writer.index = 0;
    await send(bytes);
  };
  return {
    writeGroup: async (rows) => {
      if (rows.length === 0) return;
      const columnData: ColumnSource[] = columns.map(({ name, element, valueOf, isUnique = false }) => ({
        name,
        data: rows.map(valueOf),
        offsetIndex: false,
        statistics: hasOrder(element),
        // Else the writer hashes a thousand values of each group, to find that a dictionary would not pay.
        ...isUnique ? { encoding: "PLAIN" } : {},
      }));
      const group = nextWriter();
      await group.write({ columnData, rowGroupSize: rows.length });
      await drain();
      rowsWritten += rows.length;
      await group.finish();
      footer.addGroup(writer.getBytes());
      rewind();
    },
    finish: async (metadata) => {
      for (const element of schema) {
        // Readers older than logical types look at this one; set before, it would make the writer serialise the text again.
        if (element.logical_type?.type === "JSON") element.converted_type = "JSON";
      }
      const last = nextWriter();
      await drain();
      last.num_rows = BigInt(rowsWritten);
      last.kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key, value }));
      await last.finish();
      for (const piece of footer.completed(writer.getBytes())) await send(piece);
    },
  };
}

/** A column of one of the writer's own types; `required` columns have a value in every row. */
export function parquetColumn<Row>(name: string, type: BasicType, valueOf: (row: Row) => unknown, required = false): ParquetColumn<Row> {
  const element = schemaFromColumnData({ columnData: [{ name, data: [], type, nullable: !required }] })[1];
  if (element === undefined) throw new Error(`describe Parquet column ${name}: the writer gave no schema`);
  return { name, element, valueOf };
}

/**
 * False for hashes and JSON: their least and greatest help no reader. And kept for the footer as they are, hashes would keep the pool of buffers alive that
 * the driver cut them from.
 */
function hasOrder({ type, logical_type: logicalType }: SchemaElement): boolean {
  return logicalType?.type !== "JSON" && !(type === "FIXED_LEN_BYTE_ARRAY" && logicalType === undefined);
}
