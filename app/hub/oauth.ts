/**
 * Signing in where the studio is registered with the Hub: the page goes there and comes back with a code, which is exchanged for
 * a token with a proof that only this tab has (PKCE). The code leaves the address at once.
 */
import { messageOf, WeightloomError } from "../../core/errors.ts";
import { HUB } from "../../workers/built.ts";
import { signIn } from "../state/hub.ts";
import { say } from "../state/messages.ts";

/** Reading what one may read, and writing only to repositories that this application made itself. */
const SCOPES = "openid profile gated-repos contribute-repos";
const KEY = "weightloom-hub-leaving";

interface Leaving {
  readonly nonce: string;
  readonly codeVerifier: string;
}

const library = () => import("@huggingface/hub");

export async function leaveForHub(): Promise<void> {
  const { oauthLoginUrl } = await library();
  const proof: { codeVerifier?: string; nonce?: string } = {};
  const redirectUrl = location.href.replace(/[?#].*$/, "");
  const address = await oauthLoginUrl({
    clientId: HUB.clientId ?? "",
    hubUrl: HUB.endpoint,
    scopes: SCOPES,
    redirectUrl,
    localStorage: proof,
  });
  if (new URL(address).origin !== new URL(HUB.endpoint).origin)
    throw new WeightloomError(
      "HubError",
      `The Hub wants you to sign in on ${new URL(address).host}, which is not the Hub. Use a token instead.`,
    );
  sessionStorage.setItem(KEY, JSON.stringify(proof));
  location.assign(address);
}

/** Takes what the Hub sent back in the address. Does nothing when this tab did not leave for it. */
export async function comeBack(redirectedUrl: string): Promise<void> {
  const stored = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (stored === null) return;
  try {
    const { nonce, codeVerifier } = JSON.parse(stored) as Leaving;
    const { oauthHandleRedirect } = await library();
    const { accessToken, accessTokenExpiresAt } = await oauthHandleRedirect({
      hubUrl: HUB.endpoint,
      redirectedUrl,
      nonce,
      codeVerifier,
    });
    await signIn(accessToken, accessTokenExpiresAt.getTime());
    say("info", "Signed in to the Hub, in this tab only.");
  } catch (error) {
    // Of the address nothing may be repeated: it holds the code.
    const why = messageOf(error).replace(/https?:\/\/\S+/g, "");
    say("error", `Signing in to the Hub did not work (${why.slice(0, 200)}). Try again, or use a token.`);
  }
}
