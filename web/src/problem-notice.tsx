import { Button } from "react-aria-components";
import { ApiProblem } from "./api.ts";

/** What went wrong, what to do, and what to quote to support. */
export function ProblemNotice({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const problem = error instanceof ApiProblem ? error : new ApiProblem("unknown", "Something unexpected went wrong on this page.", 0);
  return (
    <div role="alert" className="notice fault">
      <p>{problem.message}</p>
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
