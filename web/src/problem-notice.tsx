import { Button } from "react-aria-components";
import { ApiProblem } from "./api.ts";
import { formatSpan } from "./time-format.ts";

/** When to try again: as the service says, or what `otherwise` advises. */
export function againText({ retryAfterSeconds }: ApiProblem, otherwise: string): string {
  return retryAfterSeconds === undefined ? otherwise : `Try again in ${formatSpan(retryAfterSeconds * 1000)}.`;
}

/** What to do about a problem, by its code or else its status; what is not here can only be tried again. */
function adviceOf(problem: ApiProblem): string | undefined {
  const { code, status, requestId } = problem;
  if (status === 403) return "Your sign-in does not allow this. Ask an administrator of the tenant, or sign in as somebody else.";
  if (status === 404) return "It may be of another tenant, or its address may be incomplete.";
  if (status === 429) return `Too many requests for now. ${againText(problem, "Wait a moment, then try again.")}`;
  if (code === "network") return "Check your connection, then try again. Nothing that you see here is lost.";
  if (status >= 500) {
    const what = requestId === undefined ? "" : " the request number";
    return `The service has a fault. ${againText(problem, "Try again.")} If it stays, tell its operators${what}.`;
  }
  return undefined;
}

type Props = { readonly error: unknown; readonly onRetry?: () => void };

/** What went wrong, what to do, and what to quote to support. */
export function ProblemNotice({ error, onRetry }: Props) {
  const problem = error instanceof ApiProblem ? error : new ApiProblem("unknown", "Something unexpected went wrong on this page.", 0);
  const advice = adviceOf(problem);
  return (
    <div role="alert" className="notice fault">
      <p>{problem.status === 404 ? "Not found" : problem.message}</p>
      {problem.faults.map(({ hint }) => hint !== undefined && <p key={hint} className="hint">{hint}</p>)}
      {advice !== undefined && <p className="hint">{advice}</p>}
      <p className="small">
        Code {problem.code}
        {problem.requestId === undefined ? "" : (
          <>
            , request <code>{problem.requestId}</code>
          </>
        )}
      </p>
      {onRetry !== undefined && <Button onPress={onRetry}>Try again</Button>}
    </div>
  );
}
