/** Longest path that the server returns to. */
const LONGEST = 512;

/** Where the browser goes to sign in; it comes back to the path that it is at. */
export function signInAddress({ pathname, search }: Pick<Location, "pathname" | "search">): string {
  const here = pathname + search;
  const next = here.startsWith("//") || here.length > LONGEST ? "/" : here;
  return `/api/auth/login?next=${encodeURIComponent(next)}`;
}
