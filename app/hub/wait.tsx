/** "The Hub asks to wait 12 s (too many requests)." while it lasts. */
import { useEffect, useState } from "react";
import { useHub } from "../state/hub.ts";
import { waitInWords } from "./words.ts";

/** Milliseconds left of the longest pause; null when nothing waits. */
export function useWait(): { readonly left: number; readonly because: string } | null {
  const wait = useHub((state) => state.news.wait);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (wait === null) return;
    setNow(Date.now());
    const timer = setInterval(() => {
      setNow(Date.now());
      if (Date.now() > wait.until) clearInterval(timer);
    }, 500);
    return () => clearInterval(timer);
  }, [wait]);
  return wait === null || wait.until <= now ? null : { left: wait.until - now, because: wait.because };
}

export function Wait({ className }: { readonly className?: string }) {
  const wait = useWait();
  if (wait === null) return null;
  const asks = wait.because === "too many requests" ? "The Hub asks to wait" : "The Hub is asked again in";
  return (
    <span className={className} role="status" title={wait.because}>
      {asks} {waitInWords(wait.left)} ({wait.because})
    </span>
  );
}
