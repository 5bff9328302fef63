"""A forum with a topic and some people in it, who ask the bot."""

from tests.connectors.live.discourse_home import Home
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.discourse_state import Post


class Town:
    """Ann asks, Ben looks after the community, Cleo reads along."""

    def __init__(self, forum: FakeDiscourse) -> None:
        self.forum = forum
        forum.shortest = 20
        self.help = forum.add_channel("Help")
        self.ann, self.ben = forum.add_member("ann"), forum.add_member("Ben", staff=True)
        self.cleo = forum.add_member("cleo")
        self.first = forum.open_thread(self.help, self.cleo, "How do I restore?", "It says no.")
        self.topic = str(forum.posts[int(self.first)].topic)

    def say(self, text: str, author: str = "", reply_to: str | None = None) -> str:
        """Somebody (Ann) writes in the topic."""
        return self.forum.say(self.help, author or self.ann, text, thread=self.topic, reply_to=reply_to)

    def add(self, message: str, text: str, author: str = "") -> str:
        """Somebody (Ann) writes in the private message that this post opened."""
        topic = self.forum.topics[self.forum.posts[int(message)].topic]
        return str(self.forum.add_post(topic, self.forum.users[int(author or self.ann)], text).id)

    async def looked(self, home: Home) -> None:
        """Wait until the bot has looked for everything that is there now."""
        await looked(self.forum, home)

    async def answers(self, home: Home, asked: str, count: int = 1) -> list[Post]:
        """Wait for the answer, and for what should not come after it."""
        await home.until(lambda: len(self.forum.answers(asked)) >= count)
        await self.looked(home)
        return self.forum.answers(asked)


async def looked(forum: FakeDiscourse, home: Home) -> None:
    """Wait until the bot has looked, from beginning to end, for everything that is there now."""
    notified, listed = looks(forum)
    # A look begins with the messages, if they may be read, and can ask for two pages of notifications.
    await home.until(lambda: looks(forum)[0] >= notified + 4 or looks(forum)[1] >= listed + 2)


def looks(forum: FakeDiscourse) -> tuple[int, int]:
    """How often notifications and private messages were asked for."""
    paths = [path for _, path, _ in forum.requests]
    return paths.count("/notifications.json"), paths.count(
        f"/topics/private-messages/{forum.bot.username}.json"
    )
