"""Finding pages on web sites: links, robots.txt, sitemaps and feeds."""
