import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { type Api, ApiProblem } from "../api.ts";
import { ProblemNotice } from "../problem-notice.tsx";
import type { PageName } from "../view-state.ts";

export type ViewProps = { readonly api: Api; readonly tenant: string | undefined; readonly isAdmin: boolean };

/** Loaded when somebody goes there: most sessions never leave the events. */
const loaders: Readonly<Record<Exclude<PageName, "events">, () => Promise<(props: ViewProps) => ReactNode>>> = {
  integrity: async () => (await import("../integrity/integrity-page.tsx")).IntegrityPage,
  producers: async () => (await import("../producers/producers-page.tsx")).ProducersPage,
  report: async () => (await import("../report/report-page.tsx")).ReportPage,
  archives: async () => (await import("../archives/archives-page.tsx")).ArchivesPage,
  retention: async () => (await import("../retention/retention-page.tsx")).RetentionPage,
  keys: async () => (await import("../keys/keys-page.tsx")).KeysPage,
};

/**
 * A view with code of its own. It may not come: the network is away, or another version was deployed, under other names. Loading the page again helps
 * in both cases, and loses nothing, since the address is the state; asking a browser again for the same module may only repeat the first answer.
 */
export function LaterView({ page, ...props }: ViewProps & { readonly page: keyof typeof loaders }) {
  const code = useQuery({ queryKey: ["code", page], queryFn: async () => ({ View: await loaders[page]() }), staleTime: Infinity, gcTime: Infinity });
  if (code.isError) return <ProblemNotice error={new ApiProblem("network", "This view could not be loaded.", 0)} onRetry={() => location.reload()} />;
  if (code.data === undefined) return <p role="status" className="waiting">Loading…</p>;
  const { View } = code.data;
  return <View {...props} />;
}
