/** Two tenants as the matrix knows them: what is `own` to most principals, and what is `foreign`. */
export type World = { readonly own: Side; readonly foreign: Side };
export type Side = {
  readonly tenantId: string;
  /** Stands in every text of the tenant's events but actor and object, and in no request. */
  readonly canary: string;
  /** Actor and object of the tenant's events, which others may know. */
  readonly handle: string;
  readonly eventId: string;
  readonly occurredAt: string;
  /** Another event of the same moment, whose id the other side takes for an event of its own. */
  readonly takenId: string;
  /** A cursor of the tenant's own list. */
  readonly cursor: string;
};

/** A place where a tenant or an id can stand, and what the answer is to a caller of the own tenant that has the scope. */
export type Placement = {
  readonly name: string;
  readonly path: string;
  readonly status: number | readonly number[];
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type RouteRules = {
  /** The scope that opens it; "public" needs none and shows no tenant's data. */
  readonly needs: "public" | "ingest" | "read" | "export" | "admin";
  readonly placements: (world: World) => readonly Placement[];
};

const root = "/api/v1/audit";
const once: RouteRules["placements"] = () => [{ name: "as it is", path: "", status: 200 }];

/** Every route of the service. One that is not here fails the matrix: say who may ask it, and what it answers about another tenant. */
export const routeRules: Readonly<Record<string, RouteRules>> = {
  [`GET /healthz`]: { needs: "public", placements: once },
  [`GET /readyz`]: { needs: "public", placements: once },
  // Asked from elsewhere than its own machine and without its token it refuses everybody.
  [`GET /metrics`]: { needs: "public", placements: () => [{ name: "as it is", path: "", status: 403 }] },
  [`GET /docs`]: { needs: "public", placements: once },
  [`GET /docs/style.css`]: { needs: "public", placements: once },
  [`GET /openapi.json`]: { needs: "public", placements: once },
  [`GET ${root}/limits`]: { needs: "public", placements: once },
  [`POST ${root}/events`]: { needs: "ingest", placements: batches },
  [`GET ${root}/events`]: { needs: "read", placements: (world) => [...filters(world), ...cursors(world)] },
  [`GET ${root}/events/export`]: {
    needs: "export",
    placements: (world) => [
      ...["csv", "ndjson", "parquet"].flatMap((format) =>
        filters(world).map((filter) => ({ ...filter, name: `${format}: ${filter.name}`, path: withQuery(filter.path, `format=${format}`) }))
      ),
      ...cursors(world),
    ],
  },
  [`GET ${root}/events/stream`]: {
    needs: "read",
    placements: (world) => [...filters(world), { name: "from the beginning", path: "", status: 200, headers: { "last-event-id": "0" } }],
  },
  [`GET ${root}/events/:id`]: { needs: "read", placements: singleEvents },
  [`GET ${root}/events/:id/receipt`]: { needs: "export", placements: receipts },
  [`GET ${root}/checkpoints`]: { needs: "export", placements: tenants },
  [`GET ${root}/checkpoints/keys`]: { needs: "export", placements: tenants },
  // Nothing is sealed in this matrix: what the own tenant gets is that there is none.
  [`GET ${root}/checkpoints/:size`]: {
    needs: "export",
    placements: (world) => tenants(world).map((place) => ({ ...place, path: `/latest${place.path}`, status: place.status === 200 ? 404 : place.status })),
  },
  [`GET ${root}/consistency`]: {
    needs: "export",
    placements: (world) =>
      tenants(world).map((place) => ({ ...place, path: withQuery(place.path, "from=0"), status: place.status === 200 ? 404 : place.status })),
  },
  [`GET ${root}/stats`]: { needs: "read", placements: filters },
  [`GET ${root}/producers`]: { needs: "read", placements: tenants },
  [`GET ${root}/keys`]: { needs: "admin", placements: tenants },
  // No key has this id: what an admin gets is that there is none.
  [`GET ${root}/keys/:id`]: { needs: "admin", placements: missing },
  [`DELETE ${root}/keys/:id`]: { needs: "admin", placements: missing },
  [`POST ${root}/keys`]: { needs: "admin", placements: newKeys },
  [`GET ${root}/holds`]: { needs: "export", placements: tenants },
  // No hold has this id.
  [`GET ${root}/holds/:id`]: { needs: "export", placements: missingId },
  [`POST ${root}/holds`]: { needs: "admin", placements: (world) => bodies(world, { reason: "matrix", actor_id: "nobody" }, 201) },
  [`POST ${root}/holds/:id/release`]: {
    needs: "admin",
    placements: (world) => bodies(world, { reason: "matrix" }, 404).map((place) => ({ ...place, path: `/${nobody}/release${place.path}` })),
  },
  [`DELETE ${root}/events/:id`]: { needs: "admin", placements: deletions },
  [`GET ${root}/retention`]: { needs: "read", placements: tenants },
  [`POST ${root}/retention/run`]: { needs: "admin", placements: (world) => bodies(world, {}, 200) },
  [`PUT ${root}/retention`]: { needs: "admin", placements: (world) => bodies(world, { retention_years: 10 }, 200) },
  [`GET ${root}/archives`]: { needs: "export", placements: tenants },
  [`GET ${root}/reports/compliance`]: { needs: "export", placements: tenants },
};

function filters({ own, foreign }: World): Placement[] {
  return [
    { name: "no tenant", path: "", status: 200 },
    { name: "own tenant", path: `?tenant_id=${own.tenantId}`, status: 200 },
    { name: "foreign tenant", path: `?tenant_id=${foreign.tenantId}`, status: 403 },
    { name: "foreign tenant in capitals", path: `?tenant_id=${foreign.tenantId.toUpperCase()}`, status: 403 },
    { name: "tenant that does not exist", path: "?tenant_id=99999999-9999-4999-8999-999999999999", status: 403 },
    { name: "own and foreign tenant", path: `?tenant_id=${own.tenantId}&tenant_id=${foreign.tenantId}`, status: 400 },
    { name: "foreign tenant in a list", path: `?tenant_id=${own.tenantId},${foreign.tenantId}`, status: 400 },
    { name: "foreign id in the query", path: `?q=id:${foreign.eventId}`, status: 200 },
    { name: "foreign actor", path: `?actor_id=${foreign.handle}`, status: 200 },
    { name: "foreign object", path: `?object_id=${foreign.handle}`, status: 200 },
    { name: "foreign actor's beginning", path: `?q=actor:${foreign.handle.slice(0, 6)}*`, status: 200 },
    { name: "everybody else's", path: `?q=-actor:${own.handle}`, status: 200 },
    { name: "tenant as a key of the query", path: `?q=tenant_id:${foreign.tenantId}`, status: 400 },
    { name: "all of time", path: "?from=0001-01-01&to=9999-12-31", status: 200 },
    {
      name: "foreign tenant in headers",
      path: "",
      status: 200,
      headers: { "x-tenant-id": foreign.tenantId, "x-supabase-tenant": foreign.tenantId, "request.jwt.claims": "{}" },
    },
  ];
}

/** Where nothing but the tenant can stand. */
function tenants({ own, foreign }: World): Placement[] {
  return [
    { name: "no tenant", path: "", status: 200 },
    { name: "own tenant", path: `?tenant_id=${own.tenantId}`, status: 200 },
    { name: "foreign tenant", path: `?tenant_id=${foreign.tenantId}`, status: 403 },
    { name: "own and foreign tenant", path: `?tenant_id=${own.tenantId}&tenant_id=${foreign.tenantId}`, status: 400 },
  ];
}

/** An event that the caller may read is not sealed yet; any other is not there. */
function receipts(world: World): Placement[] {
  return singleEvents(world).map((place) => {
    const [id = "", query] = place.path.slice(1).split("?");
    return { ...place, path: `/${id}/receipt${query === undefined ? "" : `?${query}`}`, status: place.status === 200 ? 409 : place.status };
  });
}

function cursors({ own, foreign }: World): Placement[] {
  return [
    { name: "own cursor", path: `?cursor=${own.cursor}`, status: 200 },
    { name: "foreign cursor", path: `?cursor=${foreign.cursor}`, status: 400 },
    { name: "foreign cursor with its tenant", path: `?tenant_id=${foreign.tenantId}&cursor=${foreign.cursor}`, status: 403 },
  ];
}

function singleEvents({ own, foreign }: World): Placement[] {
  const path = (side: Side, query = "") => `/${side.eventId}?at=${side.occurredAt}${query}`;
  return [
    { name: "own event", path: path(own), status: 200 },
    { name: "own event by id alone", path: `/${own.eventId}`, status: 200 },
    { name: "own event, own tenant", path: path(own, `&tenant_id=${own.tenantId}`), status: 200 },
    { name: "own event, foreign tenant", path: path(own, `&tenant_id=${foreign.tenantId}`), status: 403 },
    { name: "foreign event", path: path(foreign), status: 404 },
    { name: "foreign event by id alone", path: `/${foreign.eventId}`, status: 404 },
    { name: "foreign event, own tenant", path: path(foreign, `&tenant_id=${own.tenantId}`), status: 404 },
    { name: "foreign event, foreign tenant", path: path(foreign, `&tenant_id=${foreign.tenantId}`), status: 403 },
    { name: "no such event", path: "/01890000-0000-7000-8000-000000000000", status: 404 },
  ];
}

function batches({ own, foreign }: World): Placement[] {
  const event = (fields: Record<string, unknown>) => ({ event_type: "matrix.posted", ...fields });
  return [
    { name: "own tenant", path: "", status: 201, body: { events: [event({ tenant_id: own.tenantId })] } },
    { name: "bare event of the own tenant", path: "", status: 201, body: event({ tenant_id: own.tenantId }) },
    { name: "foreign tenant", path: "", status: 422, body: { events: [event({ tenant_id: foreign.tenantId })] } },
    { name: "own and foreign tenant", path: "", status: 207, body: { events: [event({ tenant_id: own.tenantId }), event({ tenant_id: foreign.tenantId })] } },
    {
      name: "foreign id under the own tenant",
      path: "",
      status: [201, 200],
      body: { events: [event({ tenant_id: own.tenantId, id: foreign.takenId, occurred_at: foreign.occurredAt })] },
    },
    {
      name: "foreign tenant in the context",
      path: "",
      status: 201,
      body: { events: [event({ tenant_id: own.tenantId, context: { tenant_id: foreign.tenantId } })] },
    },
    { name: "foreign principal", path: "", status: 422, body: { events: [event({ tenant_id: own.tenantId, principal: "key:someone" })] } },
  ];
}

const nobody = "01890000-0000-7000-8000-000000000000";

function missingId(world: World): Placement[] {
  return tenants(world).map((place) => ({ ...place, path: `/${nobody}${place.path}`, status: place.status === 200 ? 404 : place.status }));
}

/** Where the tenant stands in a body. */
function bodies({ own, foreign }: World, body: Readonly<Record<string, unknown>>, status: number): Placement[] {
  return [
    { name: "no tenant", path: "", status, body },
    { name: "own tenant", path: "", status, body: { ...body, tenant_id: own.tenantId } },
    { name: "foreign tenant", path: "", status: 403, body: { ...body, tenant_id: foreign.tenantId } },
    { name: "own and foreign tenant", path: "", status: 400, body: { ...body, tenant_id: [own.tenantId, foreign.tenantId] } },
    { name: "foreign tenant in the address", path: `?tenant_id=${foreign.tenantId}`, status: 400, body },
  ];
}

/** The own event is asked for by nobody here, so that the other routes still find it: a hold of another test's would do as well. */
function deletions(world: World): Placement[] {
  const body = { reason: "matrix" };
  return singleEvents(world).filter(({ status }) => status !== 200).map((place) => ({ ...place, body }));
}

function missing(world: World): Placement[] {
  return tenants(world).map((place) => ({ ...place, path: `/zzzzzzzzzzzz${place.path}`, status: place.status === 200 ? 404 : place.status }));
}

function newKeys({ own, foreign }: World): Placement[] {
  const key = (fields: Record<string, unknown>) => ({ name: "matrix", scopes: ["read"], ...fields });
  return [
    { name: "no tenant", path: "", status: 201, body: key({}) },
    { name: "own tenant", path: "", status: 201, body: key({ tenant_id: own.tenantId }) },
    { name: "foreign tenant", path: "", status: 403, body: key({ tenant_id: foreign.tenantId }) },
    { name: "own and foreign tenant", path: "", status: 400, body: key({ tenant_id: [own.tenantId, foreign.tenantId] }) },
    { name: "foreign tenant in the address", path: `?tenant_id=${foreign.tenantId}`, status: 400, body: key({}) },
  ];
}

function withQuery(path: string, query: string): string {
  return path.includes("?") ? `${path}&${query}` : `${path}?${query}`;
}
