import { describeRoute, resolver } from "hono-openapi";
import { z } from "zod";
import { type HeaderName, headersOf, quotaHeaders } from "./response-headers.ts";

/** What every refusal looks like, RFC 9457. */
const problemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({
    code: z.string(),
    pointer: z.string(),
    message: z.string(),
    position: z.number().int().optional(),
    length: z.number().int().optional(),
    hint: z.string().optional(),
  })).optional(),
});

/** A refusal, as an answer of an operation. */
export const problem = (description: string) => ({ description, content: { "application/problem+json": { schema: resolver(problemBody) } } });

/** A good answer in JSON. */
export const answer = (description: string, body: z.ZodType) => ({ description, content: { "application/json": { schema: resolver(body) } } });

export const quotaUsedUp = "The quota is used up; Retry-After says when to come again";

const commonRefusals = {
  401: problem("The credential is missing or not valid"),
  429: problem(quotaUsedUp),
  503: problem("A part of the service is not available"),
};

/** The refusals of an operation with a small body that only admins may ask for; `others` by status. */
export const adminRefusals = (others: Readonly<Record<number, string>> = {}) => ({
  400: problem("A parameter or the body is not valid"),
  403: problem("The credential is not an admin's of the tenant"),
  408: problem("The body took too long"),
  413: problem("The body is too large"),
  415: problem("The content type is not JSON"),
  ...commonRefusals,
  ...problems(others),
});

/** Reading what may be archived. */
export const archiveFault = { 500: "An archived object is not what was signed" };

function problems(refusals: Readonly<Record<number, string>>) {
  return Object.fromEntries(Object.entries(refusals).map(([status, description]) => [status, problem(description)]));
}

type Answers = { readonly [mediaType: string]: z.ZodType };

type OperationOptions = {
  readonly isPublic?: boolean;
  readonly description?: string;
  /** Refusals besides those of every operation, by status. */
  readonly refusals?: Readonly<Record<number, string>>;
  /** Other statuses with the same body, by status. */
  readonly alike?: Readonly<Record<number, string>>;
  /** What is read besides validated parameters. */
  readonly headers?: Readonly<Record<string, string>>;
} & Sends;

/** Header fields of answers besides those that every answer has, by status. */
type Sends = { readonly sends?: Readonly<Record<number, readonly HeaderName[]>> };

type Described = Parameters<typeof describeRoute>[0] & { readonly responses: Readonly<Record<string, object>> };

/** An operation of the OpenAPI document, whose answers name the header fields that come with them. Without `isLimited` it draws from no quota. */
export function described({ responses, ...spec }: Described, { isLimited = true, sends = {} }: Sends & { readonly isLimited?: boolean } = {}) {
  const named = Object.entries(responses).map(([status, response]) => {
    // Whoever is not known has no quota.
    const drawn = isLimited && status !== "401" ? quotaHeaders : [];
    return [status, { ...response, headers: headersOf(status, [...drawn, ...sends[Number(status)] ?? []]) }];
  });
  return describeRoute({ ...spec, responses: Object.fromEntries(named) });
}

/** An operation of the OpenAPI document whose good answer is `body`, or one of several media types. */
export function operation(summary: string, body: z.ZodType | Answers, options: OperationOptions = {}) {
  const answers: Answers = body instanceof z.ZodType ? { "application/json": body } : body;
  const content = Object.fromEntries(Object.entries(answers).map(([type, schema]) => [type, { schema: resolver(schema) }]));
  const { isPublic = false, sends = {} } = options;
  return described({
    summary,
    ...options.description === undefined ? {} : { description: options.description },
    ...isPublic ? { security: [] } : {},
    ...options.headers === undefined ? {} : {
      parameters: Object.entries(options.headers).map(([name, about]) => ({
        in: "header" as const,
        name,
        description: about,
        schema: { type: "string" as const },
      })),
    },
    responses: {
      200: { description: "Answer", content },
      ...isPublic ? {} : { 400: problem("A parameter is not valid"), 403: problem("The credential does not allow this"), ...commonRefusals },
      ...problems(options.refusals ?? {}),
      ...Object.fromEntries(Object.entries(options.alike ?? {}).map(([status, description]) => [status, { description, content }])),
    },
  }, { isLimited: !isPublic, sends });
}
