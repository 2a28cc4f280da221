import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { ApiProblem } from "./api.ts";
import { App } from "./app.tsx";
import { readConfig } from "./config.ts";
import { Failed, FaultBoundary } from "./fault-boundary.tsx";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/views.css";
import "./styles/filters.css";
import "./styles/histogram.css";
import "./styles/event-table.css";
import "./styles/drawer.css";
import "./styles/print.css";
import "./styles/forced-colors.css";

// Outages are tried again; a refusal will be a refusal the next time too. A question fails at once where the browser thinks that it is offline: to wait
// for it to think otherwise would look like loading for ever.
const retry = (failures: number, error: Error) => failures < 2 && error instanceof ApiProblem && (error.status === 0 || error.status >= 500);
const client = new QueryClient({ defaultOptions: { queries: { retry, refetchOnWindowFocus: false, staleTime: 30_000, networkMode: "always" } } });

const root = document.getElementById("root");
if (root === null) throw new Error("start page: element root is missing");
const page = await readConfig().then(
  (config) => <App config={config} />,
  () => <Failed title="The settings of this page did not come" />,
);
createRoot(root).render(
  <StrictMode>
    <FaultBoundary>
      <QueryClientProvider client={client}>{page}</QueryClientProvider>
    </FaultBoundary>
  </StrictMode>,
);
