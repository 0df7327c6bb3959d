from oracle.engines.backlog import Backlog


def deadly(*rows):
    """A worker that dies of some rows; runs a backlog and returns what it came to."""

    def run(backlog):
        done, given_up, deaths = [], [], 0
        while backlog:
            block = backlog.take(alone=True)
            if set(block.rows) & set(rows):
                deaths += 1
                given_up += backlog.blame(block)
            else:
                done += block.rows
        return done, given_up, deaths

    return run


def test_a_row_that_kills_costs_itself_and_three_workers():
    blocks = [[0, 1, 2], [3, 4, 5], [6]]
    assert deadly(4)(Backlog(iter(blocks))) == ([0, 1, 2, 3, 5, 6], [4], 3)
    assert deadly(6)(Backlog(iter(blocks))) == ([0, 1, 2, 3, 4, 5], [6], 3)


def test_every_row_comes_out_once_whatever_dies():
    for bad in ([0], [0, 1], [2, 3, 6], range(7)):
        done, given_up, deaths = deadly(*bad)(Backlog(iter([[0, 1, 2], [3, 4], [5], [6]])))
        assert sorted(done + given_up) == list(range(7))
        assert given_up == list(bad)
        assert deaths <= 3 * len(bad)


def test_what_comes_back_goes_first_and_alone():
    backlog = Backlog(iter([[0, 1], [2, 3]]))
    backlog.blame(backlog.take(alone=False))
    assert backlog.take(alone=False) is None
    assert backlog.take(alone=True).rows == [0, 1]
    assert backlog.take(alone=False).rows == [2, 3]
    assert not backlog


def test_blocks_are_asked_for_one_at_a_time():
    asked = []
    backlog = Backlog(asked.append(i) or [i] for i in range(3))
    backlog.take(alone=False)
    assert asked == [0]
