/**
 * What can go wrong, as switches. A fault is `{ kind, where, times, every, ... }`: `where` is "api", "resolve", "cdn" or
 * "upload" (absent: anywhere), `times` how often it strikes (absent: for ever), `every` which requests it strikes (2: every second).
 *
 *   busy        429; `after` seconds in Retry-After, `window` seconds in RateLimit, or neither
 *   broken      `status` (503); `after` as above
 *   reset       the connection is cut after `bytes` bytes of the body (0)
 *   short       the body ends after `bytes` bytes, though the headers promised more
 *   part        an honest 206 with fewer bytes than asked for: `bytes`
 *   shifted     a 206 whose Content-Range is not the one asked for
 *   whole       200 with the whole file, as if no range had been asked for
 *   etag        another etag: the file has changed
 *   expired     403, as a signed address that is too old
 *   slow        `rate` bytes per second
 *   silent      headers and `bytes` bytes (0), then nothing; of what is sent: it arrives, but no answer comes
 *   hidden      no header may be read by a page
 *   offline     the connection is cut at once
 */
export function createFaults() {
  let faults = [];
  let counts = new Map();
  return {
    set: (next) => {
      faults = next.map((fault) => ({ ...fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
      counts = new Map();
    },
    /** The faults that strike this request; each strike is counted. */
    strike: (where, kinds) => {
      const struck = {};
      for (const fault of faults) {
        if ((fault.where !== undefined && fault.where !== where) || fault.left <= 0 || !kinds.includes(fault.kind))
          continue;
        const count = (counts.get(fault) ?? 0) + 1;
        counts.set(fault, count);
        if (count % (fault.every ?? 1) !== 0) continue;
        fault.left--;
        struck[fault.kind] = fault;
      }
      return struck;
    },
  };
}
