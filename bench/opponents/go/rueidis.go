package main

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

// Redis tells of every change; this only bounds how long an entry stays if it did not.
const longestCached = time.Minute

func rueidisReader(address, prefix string) (reader, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:       []string{address},
		ForceSingleClient: true,
		// Broadcast: Redis needs no table of who has read what, and a miss is one command less.
		ClientTrackingOptions: []string{"PREFIX", prefix, "BCAST"},
	})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	return func(key string) (entry, error) {
		result := client.DoCache(ctx, client.B().Hmget().Key(key).Field("v", "b").Cache(), longestCached)
		fields, err := result.ToArray()
		if err != nil {
			return entry{}, err
		}
		if fields[0].IsNil() || fields[1].IsNil() {
			return entry{}, nil
		}
		version, err := fields[0].ToString()
		if err != nil {
			return entry{}, err
		}
		body, err := fields[1].ToString()
		return entry{version: version, body: body, near: result.IsCacheHit()}, err
	}, nil
}
