/** Where a merge's time went: a bar per kind of work, its solid part the time when nothing else went on. */
import { ACTIVITIES, type Profile } from "../../core/clock.ts";
import { formatBytes, formatSeconds } from "../../core/units.ts";

export function ProfileView({ profile }: { readonly profile: Profile }) {
  const { seconds, between, activities } = profile;
  const share = (part: number) => `${Math.min(100, (100 * part) / Math.max(seconds, 1e-9)).toFixed(1)}%`;
  const shown = activities.filter(({ activity }) => activity !== "wait");
  return (
    <details className="profile">
      <summary>Where the time went</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">work</th>
            <th scope="col">time</th>
            <th scope="col">share of the merge; solid: nothing else went on</th>
            <th scope="col">speed</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ activity, seconds: during, alone, bytes }) => (
            <tr key={activity}>
              <th scope="row">{ACTIVITIES[activity]}</th>
              <td>{formatSeconds(during)}</td>
              <td>
                <span className="profile-bar" aria-hidden>
                  <i className="profile-during" style={{ width: share(during) }} />
                  <i className="profile-alone" style={{ width: share(alone) }} />
                </span>
                <span className="hidden">
                  {share(during)}, {share(alone)} of it alone
                </span>
              </td>
              <td>{bytes > 0 && during > 0 ? `${formatBytes(Math.round(bytes / during))}/s` : ""}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">between</th>
            <td>{formatSeconds(between)}</td>
            <td>
              <span className="profile-bar" aria-hidden>
                <i className="profile-alone" style={{ width: share(between) }} />
              </span>
              <span className="hidden">{share(between)}</span>
            </td>
            <td />
          </tr>
        </tbody>
      </table>
    </details>
  );
}
