/** Signing in and out. A token is asked for where the studio is no registered application, and offered beside it where it is. */
import { type FormEvent, useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { HUB } from "../../workers/built.ts";
import { Button } from "../controls/button.tsx";
import { signIn, signOut, useHub } from "../state/hub.ts";
import { Linked } from "./linked.tsx";

const page = `${HUB.endpoint}/settings/tokens/new?tokenType=fineGrained`;

export function Account() {
  const account = useHub((state) => state.account);
  const [open, setOpen] = useState(false);
  if (account !== null)
    return (
      <footer className="hub-account">
        <p>
          Signed in as <strong>{account.user}</strong>, in this tab only.
        </p>
        <Button onClick={() => void signOut()}>Sign out</Button>
      </footer>
    );
  return (
    <footer className="hub-account">
      {open ? (
        <SignIn onDone={() => setOpen(false)} />
      ) : (
        <>
          <p>Not signed in: open models only. Gated and private ones need an account.</p>
          <Button onClick={() => setOpen(true)}>Sign in</Button>
        </>
      )}
    </footer>
  );
}

function SignIn({ onDone }: { onDone(): void }) {
  const [token, setToken] = useState("");
  const [state, setState] = useState<"idle" | "asking">("idle");
  const [error, setError] = useState<string | null>(null);

  async function attempt(work: () => Promise<void>): Promise<void> {
    setState("asking");
    setError(null);
    try {
      await work();
      onDone();
    } catch (reason) {
      setError(messageOf(reason));
      setState("idle");
    }
  }

  const submit = (event: FormEvent) => {
    event.preventDefault();
    void attempt(() => signIn(token.trim()));
  };

  return (
    <form className="hub-token" onSubmit={submit}>
      {HUB.clientId !== null && (
        <div className="hub-one">
          <p>The Hub asks you whether this studio may read what you may, gated models included.</p>
          <Button
            look="primary"
            disabled={state === "asking"}
            onClick={() => void attempt(async () => (await import("./oauth.ts")).leaveForHub())}
          >
            Sign in with Hugging Face
          </Button>
        </div>
      )}
      <label htmlFor="hub-token">
        {HUB.clientId === null ? "An access token" : "Or an access token"}: fine-grained, with read access to what you
        want to merge (
        <a href={page} target="_blank" rel="noopener noreferrer">
          make one
        </a>
        ). It is kept in this tab until you sign out or close it, and sent to {new URL(HUB.endpoint).host} alone.
      </label>
      <div className="hub-one">
        <input
          id="hub-token"
          className="hub-words"
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="hf_..."
          // biome-ignore lint/a11y/noAutofocus: it takes the place of the button that was just pressed
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <Button type="submit" disabled={state === "asking" || token.trim() === ""}>
          {state === "asking" ? "Asking ..." : "Sign in"}
        </Button>
        <Button look="ghost" onClick={onDone}>
          Not now
        </Button>
      </div>
      {error !== null && (
        <p className="hub-bad" role="alert">
          <Linked text={error} />
        </p>
      )}
    </form>
  );
}
