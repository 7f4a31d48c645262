/* What the search looks for. The theme takes each word as a beginning, so "a" finds every word with an "a" in front: small words are left
   out here, and words of one or two letters stand for themselves alone. */
"use strict";
(() => {
  const SMALL = new Set(
    ("a an and are as at be but by can do does for from has have how i if in is it its me my of on or our so that the their there this to " +
      "was we what when where which who why will with you your").split(" "),
  );
  const QUERY = 2; // the type of a message to the theme's worker
  const WHOLE = "^1"; // behind a word: the theme looks for it as it stands

  const searched = (query) => {
    if (query.includes('"')) return query;
    const words = query.trim().split(/\s+/);
    const telling = words.filter((word) => !SMALL.has(word.toLowerCase()));
    return (telling.length ? telling : words).map((word) => (/^\w{1,2}$/.test(word) ? word + WHOLE : word)).join(" ");
  };

  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, ...rest) {
    const isQuery = message?.type === QUERY && typeof message.data === "string";
    return postMessage.call(this, isQuery ? { ...message, data: searched(message.data) } : message, ...rest);
  };
})();
