import { useQuery } from "@tanstack/react-query";
import type { Api } from "../api.ts";
import { ApiProblem } from "../api.ts";
import type { Role, Session } from "./session.ts";

export type AskedRole = {
  /** Undefined while it is asked for, and when that failed. */
  readonly role: Role | undefined;
  readonly error: Error | null;
  readonly retry: () => void;
};

/** The session's role. An API key does not say what it may do, so the API is asked for what only an auditor, then what only an admin gets. */
export function useRole(api: Api, session: Session, tenant: string | undefined): AskedRole {
  const asked = useQuery({
    queryKey: ["role", session.subject, session.token.slice(0, 16)],
    queryFn: async ({ signal }): Promise<Role> => {
      const may = (path: string) => api.get(path, { tenant_id: tenant, limit: "1" }, signal).then(() => true, isRefusal);
      if (!await may("checkpoints")) return "viewer";
      return await may("keys") ? "admin" : "auditor";
    },
    enabled: session.role === undefined,
    staleTime: Infinity,
  });
  return { role: session.role ?? asked.data, error: asked.error, retry: () => void asked.refetch() };
}

/** False for a refusal; any other fault, a used-up quota among them, is thrown, since it says nothing of the role. */
function isRefusal(error: unknown): false {
  if (error instanceof ApiProblem && error.status === 403) return false;
  throw error;
}
