import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: "plain" | "ghost" | "primary" | "icon";
  readonly ref?: Ref<HTMLButtonElement>;
  readonly children: ReactNode;
}

export function Button({ look = "plain", className = "", ...rest }: Props) {
  return <button type="button" className={`button button-${look} ${className}`} {...rest} />;
}
