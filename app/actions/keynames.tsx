import { namesOf } from "./action.ts";

/** Keys as they look on a keyboard. */
export function KeyNames({ keys }: { readonly keys: string }) {
  return (
    <span className="keys">
      {namesOf(keys).map((name) => (
        <kbd key={name}>{name}</kbd>
      ))}
    </span>
  );
}
