/** Whether the address is one the Hub sent the person back to; its code is taken out of it before anything else happens. */

/** @returns the address as it was, or null when it is an ordinary one */
export function returnedFromHub(): string | null {
  const { href, search } = location;
  const asked = new URLSearchParams(search);
  if (!asked.has("state") || !(asked.has("code") || asked.has("error"))) return null;
  history.replaceState(history.state, "", href.replace(/[?#].*$/, ""));
  return href;
}
