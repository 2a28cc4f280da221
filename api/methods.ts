/** Routes as Hono lists them. */
export type Routes = readonly { readonly method: string; readonly path: string }[];

/** The methods that `path` answers to, in order of registration; none when nothing is served there. The router answers HEAD wherever it answers GET. */
export function methodsOf(routes: Routes, path: string): readonly string[] {
  const methods = routes.filter((route) => route.method !== "ALL" && matches(route.path, path)).map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => method === "GET" ? [method, "HEAD"] : [method]))];
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split("/");
  const given = path.split("/");
  return parts.length === given.length && parts.every((part, index) => part.startsWith(":") ? given[index] !== "" : part === given[index]);
}
