import time

import pytest

from connectors.text import plain


@pytest.mark.parametrize(
    ("cooked", "text"),
    [
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<p>one</p>\n\n<p>two</p>", "one\n\ntwo"),
        ("a<br>b", "a\nb"),
        ("<ul>\n<li>one</li>\n<li>two</li>\n</ul>", "one\ntwo"),
        ("<h2>Title</h2>text", "Title\ntext"),
        ("5 &lt; 6 &amp;&amp; 7", "5 < 6 && 7"),
        ('<pre><code class="lang-py">if a &lt; b:\n    go()\n</code></pre>after', "```\nif a < b:\n    go()\n```\nafter"),
        ("use <code>pip</code>", "use pip"),
        ('<aside class="quote" data-post="1"><div class="title">ann:</div><blockquote><p>old</p></blockquote></aside><p>new</p>', "new"),
        ('<aside class="onebox" data-onebox-src="https://x.example/a"><h3>Preview</h3></aside>', "https://x.example/a"),
        ('<a class="mention" href="/u/ann">@ann</a> hi', "@ann hi"),
        ('see <a href="https://x.example/d" rel="nofollow">the docs</a>', "see [the docs](https://x.example/d)"),
        ('<a href="https://x.example/d">x.example/d</a>', "https://x.example/d"),
        ('nice <img src="/e.png" title=":tada:" class="emoji" alt=":tada:">', "nice :tada:"),
        ('<div class="lightbox-wrapper"><a href="/a.png"><img src="/b.png"><div class="meta"><span>a.png</span>690x388</div></a></div>ok', "ok"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<script>alert(1)</script><style>p{}</style>safe", "safe"),
        ("", ""),
    ],
)  # fmt: skip
def test_words_of_a_post(cooked: str, text: str) -> None:
    assert plain(cooked) == text


@pytest.mark.parametrize(
    "hostile", ["<div>", '<a href="http://x">', '<img alt=":', "<aside ", "<", "\n \n", "<pre>"]
)
def test_hostile_html_takes_no_time(hostile: str) -> None:
    begin = time.process_time()
    plain(hostile * 100_000)
    assert time.process_time() - begin < 10
