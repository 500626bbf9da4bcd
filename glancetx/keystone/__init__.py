"""
What every client of Keystone needs: to put questions, and to log in with credentials of its own.

A service of the cloud is found, and asked in our own name, so::

    exchange = Exchange.over_network(reactor, ca)
    credentials = read_credentials(path, "the store 'attic'")
    own = OwnToken(reactor, exchange, v3_url("auth", url), credentials, with_catalogue=True)

    login = await own.login()
    url = login.catalogue.endpoint("object-store", "internal", "RegionOne")

The login is asked for before each request: it is kept, and renewed in time.
When the service answers 401, ``own.drop(login.text)`` makes the next one new.
"""
