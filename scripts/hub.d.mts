export function hubOfBuild(env: Readonly<Record<string, string | undefined>>): {
  readonly endpoint: string;
  readonly clientId: string | null;
  /** What the page may connect to besides itself. */
  readonly origins: readonly string[];
};
