"""Texts that would act if something took them for markup, a script, a formula, or code."""

from __future__ import annotations

# What each would do if it were rendered: fetch an outside address, run a script, become a link or a symbol, turn a line.
TRICKS = (
    "<script>window.hacked=1</script>", "<img src=http://a.example/x onerror=window.hacked=2>", "<svg/onload=window.hacked=3>",
    "![i](http://b.example/x.png)", "[l](javascript:window.hacked=4)", "<http://c.example>", "http://d.example/y",
    "<b>bold</b>", ":red[warm]", ":material/home:", "$\\href{http://e.example}{z}$", "`code`", "=HYPERLINK(1)",
    "\x1b[31m\x07\x7f", "\u202eturned", "👩‍🚒",
    "\"\"\");import os;os.abort()#", "'''{{7*7}}{%x%}", "%s{0}", "\\", "*/", "--><a href=javascript:window.hacked=5>",
)  # fmt: skip
ALL = " ".join(TRICKS)
# Lines and signs that would begin a block of Markdown, a cell, or the end of a text.
LINES = "first\r\n\r\n# heading\r\n- item\u2028> quoted\x85\n\n    import os\x00\x07\n=1+1\t@SUM(1)\n---\nlast: *x &y !!z"
