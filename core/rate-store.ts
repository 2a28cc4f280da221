/** What is counted: events taken in, or requests that read. */
export type RateKind = "ingest" | "reads";

/** Tokens a second; a bucket holds `rateBurstSeconds` of them. */
export type Quotas = { readonly [Kind in RateKind]: { readonly tenant: number; readonly caller: number } };

/**
 * One bucket, settled and asked anew. `balance` is what is left of the last lease: below zero when more was spent. `tenantId` is whose quotas apply,
 * `perSecond` the default where it has none of its own.
 */
export type LeaseAsk = {
  readonly bucket: string;
  readonly tenantId: string | undefined;
  readonly perSecond: number;
  readonly balance: number;
  readonly wanted: number;
};

/** `granted` tokens to spend; `left` is what the bucket has besides, below zero while a debt lasts. */
export type Lease = { readonly perSecond: number; readonly granted: number; readonly left: number };

/** Where all processes share their buckets. Answers in the order of `asks`; throws `unavailable`. */
export type RateStore = { lease(asks: readonly LeaseAsk[]): Promise<readonly Lease[]> };
