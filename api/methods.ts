/** Routes as Hono lists them. */
export type Routes = readonly { readonly method: string; readonly path: string }[];

/** The methods that `path` answers to, in order of registration; none when nothing is served there. The router answers HEAD wherever it answers GET. */
export function methodsOf(routes: Routes, path: string): readonly string[] {
  const matching = routes.filter((route) => route.method !== "ALL" && matches(route.path, path));
  // What has a path of its own is no value of another path's parameter.
  const own = matching.filter((route) => route.path === path);
  const methods = (own.length > 0 ? own : matching).map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => method === "GET" ? [method, "HEAD"] : [method]))];
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split("/");
  const given = path.split("/");
  return parts.length === given.length && parts.every((part, index) => part.startsWith(":") ? given[index] !== "" : part === given[index]);
}
