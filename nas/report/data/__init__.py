"""What a report is made from: runs read from their stores, and the words for them."""
