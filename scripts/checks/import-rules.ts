/** One part of the tree, and what it may name. The longest folder that fits a file is its zone; a file outside all of them is nobody's business. */
export type Zone = {
  readonly folder: string;
  /** Folders whose files it may import, besides its own. */
  readonly imports: readonly string[];
  /** Packages, with their subpaths; "any" for tools and tests, which never leave the repository. */
  readonly packages: "any" | readonly string[];
  /** True where Node's built-in modules may be imported. */
  readonly builtins: boolean;
  /** Globals of a runtime that may be named here, in files that match. */
  readonly globals: Readonly<Record<"Deno" | "process", RegExp | undefined>>;
  /** True where a function could reach the file: Supabase's deploy tool does not see an import that spans lines, and leaves its file behind. */
  readonly deployed: boolean;
};

const nowhere = { Deno: undefined, process: undefined };
const anywhere = { Deno: /./, process: /./ };
const everything = ["core", "verify", "adapters", "functions", "api", "sdk", "web", "scripts", "test", "bench"];

/** Packages without I/O, that run the same on Node, Deno and in a browser. */
const purePackages = ["@cfworker/json-schema", "canonicalize", "csv-stringify", "hyparquet", "hyparquet-writer", "ipaddr.js", "uuid", "zod"];

/** Which way imports point: `web → sdk → core`, `api, functions → adapters → core`, and `verify` stands alone. */
export const zones: readonly Zone[] = [
  { folder: "core", imports: [], packages: purePackages, builtins: false, globals: nowhere, deployed: true },
  { folder: "verify", imports: [], packages: [], builtins: false, globals: nowhere, deployed: false },
  {
    folder: "adapters",
    imports: ["core"],
    packages: [...purePackages, "@supabase/supabase-js", "jose", "pg"],
    builtins: true,
    globals: nowhere,
    deployed: true,
  },
  {
    folder: "functions",
    imports: ["core", "adapters", "api"],
    packages: [...purePackages, "hono", "pg"],
    builtins: true,
    globals: { Deno: /^functions\/[^/]+\/index\.ts$|^functions\/runtime\.d\.ts$/, process: undefined },
    deployed: true,
  },
  {
    folder: "api",
    imports: ["core", "adapters"],
    packages: "any",
    builtins: true,
    globals: { Deno: undefined, process: /^api\/server\.ts$/ },
    deployed: true,
  },
  {
    folder: "sdk",
    imports: ["core", "verify"],
    packages: ["hono"],
    builtins: true,
    globals: { Deno: undefined, process: /(environment|spool)/ },
    deployed: false,
  },
  {
    folder: "web",
    imports: ["sdk", "core", "verify"],
    packages: "any",
    builtins: false,
    globals: { Deno: undefined, process: /\.config\.ts$/ },
    deployed: false,
  },
  { folder: "scripts", imports: everything, packages: "any", builtins: true, globals: anywhere, deployed: false },
  { folder: "test", imports: everything, packages: "any", builtins: true, globals: anywhere, deployed: false },
  { folder: "bench", imports: everything, packages: "any", builtins: true, globals: anywhere, deployed: false },
];

/** Tests stand beside what they test and may reach anywhere; nothing else imports them, nor `test`, `bench` and `scripts`. */
export const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file);

/** What core's formats may take of core besides types: a format knows nothing of the steps that use it. */
export const formatVocabulary: readonly string[] = ["core/errors.ts", "core/limits.ts"];

export const zoneOf = (file: string): Zone | undefined =>
  zones.filter(({ folder }) => file.startsWith(`${folder}/`)).sort((a, b) => b.folder.length - a.folder.length)[0];
