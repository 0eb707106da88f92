"""The core: a user's stream, a tab's subscription to it, the hub that joins the two. Pure code.

The theory of operation, in one idea: **replay is a state, not a phase**. A subscription is nothing but a
place (a cursor) in its user's stream. It is *live* while the hub hands it every new record, and *behind*
whenever something may be missing after its cursor: it has just connected, an offer was missed, its socket is
full. Behind, it reads the log at its own pace, a page at a time, and steps back to live from the hub's tail
of recent records, synchronously, so that no record can slip in between.

    log.py           what is stored: records, pages, the port through which they are read
    cursor.py        `epoch-offset`, and what may become of one that a client brings
    frame.py         the bytes of one event on the wire
    subscription.py  live or behind: the only place that decides what is sent next
    tail.py          the newest records of a user, in memory
    hub.py           user -> subscriptions, and their tails
    reader.py        brings a subscription that is behind up to date, a page at a time
    faults.py        a bug in one stream costs no other anything
    pulse.py         heartbeats and lifetimes of all streams, from one timer
"""
