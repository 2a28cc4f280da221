/** Version of the newest migration: a database that is behind it is not what this code was written for. A test compares it with the files. */
export const schemaVersion = "20261122002200";
