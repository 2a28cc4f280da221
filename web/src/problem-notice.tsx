import { Button } from "react-aria-components";
import { ApiProblem } from "./api.ts";
import { formatSpan } from "./time-format.ts";

/** What to do about a problem, by its code or else its status; undefined where only the problem itself can say. */
export function adviceOf({ code, status, requestId, retryAfterSeconds }: ApiProblem): string | undefined {
  const again = retryAfterSeconds === undefined ? "Try again in a moment." : `Try again in ${formatSpan(retryAfterSeconds * 1000)}.`;
  const tell = `If it stays so, tell the operators of this service${requestId === undefined ? "" : " the request number"}.`;
  if (code === "network") return "Check your connection, then try again.";
  if (code === "unknown" && status === 0) return `Load the page again. ${tell}`;
  if (status === 403) return "Your sign-in does not allow this. Ask an administrator of the tenant, or sign in as somebody else.";
  if (status === 404) return "It may belong to another tenant, or its address may be incomplete. Ask whoever gave you the address.";
  if (status === 429) return `These were too many requests for now. ${again}`;
  return status >= 500 ? `${again} ${tell}` : undefined;
}

/** What became of an act that failed with `error`: a refusal changed nothing, but an answer that never came may have been that it was done. */
export function outcomeOf(error: unknown): string {
  const isRefused = error instanceof ApiProblem && error.status >= 400 && error.status < 500;
  return isRefused ? "Nothing was changed." : "It is not known whether it was done: look before you do it again.";
}

type Props = {
  readonly error: unknown;
  /** What holds all the same. */
  readonly stands?: string | undefined;
  readonly onRetry?: () => void;
};

/** What happened, what still stands, what to do, and what to quote to support. */
export function ProblemNotice({ error, stands, onRetry }: Props) {
  const problem = error instanceof ApiProblem ? error : new ApiProblem("unknown", "Something unexpected went wrong on this page.", 0);
  const advice = adviceOf(problem);
  const retry = onRetry && (() => {
    // The button goes away with the notice: the keyboard goes on in the view, and not at the top of the page.
    document.getElementById("main")?.focus({ preventScroll: true });
    onRetry();
  });
  return (
    <div role="alert" className="notice fault">
      <p>{problem.status === 404 ? "Not found" : problem.message}</p>
      {problem.faults.map(({ hint }) => hint !== undefined && <p key={hint} className="hint">{hint}</p>)}
      {stands !== undefined && <p>{stands}</p>}
      {advice !== undefined && <p className="hint">{advice}</p>}
      <p className="small">
        Code {problem.code}
        {problem.requestId === undefined ? "" : (
          <>
            , request <code>{problem.requestId}</code>
          </>
        )}
      </p>
      {retry !== undefined && <Button onPress={retry}>Try again</Button>}
    </div>
  );
}
