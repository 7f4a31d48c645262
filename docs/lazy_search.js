/* The theme asks for the index of the search, nine tenths of what a page weighs, as soon as the page opens. Here the index waits until the
   search is opened, or until the address of a found page names the words to highlight. */
"use strict";
(() => {
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.asksForIndex = String(url).endsWith("search/search_index.json");
    open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (...body) {
    const toggle = document.getElementById("__search");
    const address = new URLSearchParams(location.search);
    if (!this.asksForIndex || !toggle || toggle.checked || address.has("q") || address.has("h")) send.apply(this, body);
    else toggle.addEventListener("change", () => send.apply(this, body), { once: true });
  };
})();
