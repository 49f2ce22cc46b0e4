/* The same without the page: what to type in a terminal, and where the interface is described. */

import { el, hint } from "dom";

export const service = {
  id: "service",
  title: "In a terminal",
  build(root) {
    const url = `${location.origin}/v1/audio/transcriptions`;
    const links = ["/openapi.json", "/metrics", "/readyz", "/v1/models"];
    root.append(
      hint("This page is part of a service with the interface of OpenAI's transcriptions."),
      el("pre", { id: "service-curl", tabindex: 0 }, `curl -F file=@audio.wav -F response_format=srt ${url}`),
      hint("Hot words go into `prompt`, the decoder into `method`; `WS /v1/audio/stream` hears while you speak."),
      el("p", {}, links.flatMap((link, i) => [i ? " · " : "", el("a", { href: link }, link.slice(1))])),
    );
  },
};
