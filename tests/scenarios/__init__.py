"""kcp's scenarios, under the names they have there."""
