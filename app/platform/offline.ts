/** The page without a network, and as an app of its own where the browser offers that. */
import { create } from "zustand";

/** What Chromium sends when a page may be installed; not in TypeScript's DOM. */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>;
}

export const useInstall = create<{ readonly offer: InstallOffer | null }>(() => ({ offer: null }));

/** Asks the person whether to install; null where the browser has not offered it. */
export function installer(): (() => void) | null {
  const { offer } = useInstall.getState();
  if (offer === null) return null;
  return () => {
    // An offer can be used once.
    useInstall.setState({ offer: null });
    void offer.prompt();
  };
}

/** Registers what keeps the page's own files for the next visit; only built pages have it. */
export function keepOffline(): void {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    useInstall.setState({ offer: event as InstallOffer });
  });
  addEventListener("appinstalled", () => useInstall.setState({ offer: null }));
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // Without it the page works as before, as long as there is a network.
  const register = () => void navigator.serviceWorker.register("./offline.js").catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
