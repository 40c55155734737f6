export interface ApiErrorMore {
  requestId?: string | null;
  retryAfter?: number | null;
  details?: Record<string, unknown> | null;
  cause?: unknown;
}

/** The one error that leaves the API client: what was answered, or why nothing was. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status, 0 when no answer came or it broke off. */
  readonly status: number;
  /** Machine-readable code: the server's own, or `network`, `timeout`, `bad_answer`, `stream_cut`, `http_<status>`. */
  readonly code: string;
  /** Id under which the servers logged the request, null when no answer carried one. */
  readonly requestId: string | null;
  /** Seconds that the server asked to wait before another try, null when it named none. */
  readonly retryAfter: number | null;
  /** What else the server said of the failure, by code. */
  readonly details: Record<string, unknown>;

  constructor(status: number, code: string, message: string, more: ApiErrorMore = {}) {
    super(message, { cause: more.cause });
    this.status = status;
    this.code = code;
    this.requestId = more.requestId ?? null;
    this.retryAfter = more.retryAfter ?? null;
    this.details = more.details ?? {};
  }
}
